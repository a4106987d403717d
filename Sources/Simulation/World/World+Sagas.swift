import Clocks
import Contracts
import Defects
import Messaging
import OrderService
import Saga
import SagaRuntime

/// order-service's sagas, as `SagaCoordinator` advances them.
extension World {
    /// The order saga; with less patience more of its steps are given up, in less time.
    static func definition(isImpatient: Bool) -> SagaDefinition {
        do {
            let real = try PlaceOrderSaga.definition()
            guard isImpatient else { return real }
            let action = StepPolicy(firstWait: .seconds(1), maximumWait: .seconds(4), patience: .seconds(15))
            let compensation = StepPolicy(firstWait: .seconds(1), maximumWait: .seconds(4), patience: .seconds(20))
            let steps = real.steps.map { step in
                guard let undo = step.compensation else { return step }
                return SagaStep.compensatable(
                    step.name, undoneBy: undo.name, policy: action, compensationPolicy: compensation)
            }
            return try SagaDefinition(real.name, version: real.version, steps: steps)
        } catch {
            preconditionFailure("the order saga is no saga: \(error)")
        }
    }

    /// Advances some sagas, each by one input, in one transaction.
    func advance(_ replica: Int, _ writes: SagaWrites, also apply: () -> Void = {}) -> Ran {
        var writes = writes
        let outgoing = writes.conclude { newID(of: replica) }
        let ran = unitOfWork(replica, outgoing: outgoing) {
            apply()
            for (id, row) in writes.rows.sorted(by: { $0.key < $1.key }) { store(row, id, replica) }
            for (id, status, reason) in writes.outcomes where orders.orders[id]?.status == .pending {
                orders.orders[id]?.status = status
                orders.orders[id]?.reason = reason
                if status == .confirmed { beginFollowing(id) }
                note(replicas[replica].name, "\(name(of: id)) is \(status)\(reason.map { ": \($0.rawValue)" } ?? "")")
                observations.reached(status, id)
            }
        }
        if ran == .committed { for command in writes.direct { send(command, replica) } }
        return ran
    }

    /// One input to one saga, as `SagaCoordinator.advance`: the way of its command is chosen, and where there is none
    /// the saga is parked.
    func advance(
        _ id: UUID, _ replica: Int, _ writes: inout SagaWrites, isRepeatPaidFor: Bool = false,
        _ input: (inout SagaMachine, Double) -> SagaTransition
    ) {
        guard let row = writes.rows[id] ?? orders.sagas[id], let order = orders.orders[id] else { return }
        let now = databaseNow(.order)
        let jitter = withRandom(of: replica) { $0.unit() }
        var machine = SagaMachine(definition, row.state)
        guard case .actions(var actions) = input(&machine, jitter) else { return }
        var way = CommandWay.kafka
        if let sent = sent(actions) {
            way = self.way(of: sent.name, attempt: sent.attempt, replica)
            if case .none(let wait) = way {
                let isRepeat = sent.attempt > 1 && row.state.status != .quarantined
                if isRepeat {
                    machine = SagaMachine(definition, row.state)
                    actions = []
                }
                if case .actions(let parking) = machine.park(until: now.advanced(by: wait)) {
                    actions.removeAll { if case .send = $0 { true } else { false } }
                    actions += parking
                    saw(.parkedSaga)
                }
            } else if isRepeatPaidFor, sent.attempt > 1, isBudgetEmpty(replica) {
                machine = SagaMachine(definition, row.state)
                guard case .actions(let putOff) = machine.putOff(now: now, jitter: jitter) else { return }
                actions = putOff
                saw(.putOff)
            }
        }
        writes.add(actions, id, machine.state, by: way, journal: row.journal, order: order)
    }

    private func sent(_ actions: [SagaAction]) -> (name: String, attempt: Int)? {
        for case .send(let step, let kind, let attempt) in actions { return (definition.command(step, kind), attempt) }
        return nil
    }

    private func store(_ row: OrderTables.SagaRow, _ id: UUID, _ replica: Int) {
        let before = orders.sagas[id]
        orders.sagas[id] = row
        if before?.state.status != row.state.status || before?.state.position != row.state.position {
            let entry = row.journal.last.map { "\($0.step) \($0.status)" } ?? ""
            note(replicas[replica].name, "\(name(of: id))'s saga is \(row.state.status), \(entry)")
        }
        checkSaga(id, before: before, after: row)
    }

    /// Replies, as `SagaCoordinator.handle`: no inbox, for the saga knows which one it waits for.
    func replies(_ records: [Record], _ replica: Int) -> SagaWrites {
        let now = databaseNow(.order)
        var writes = SagaWrites(definition, now: now)
        for record in records {
            guard let reply = try? CommandReply(decoding: record.envelope.payload) else { continue }
            advance(reply.orderID, replica, &writes) {
                $0.reply(to: reply.command, SagaReply(reply), now: now, jitter: $1)
            }
        }
        return writes
    }

    /// As `ShippingEventHandler`.
    func follow(_ record: Record) {
        let id = record.envelope.orderID
        switch (record.envelope.type, orders.orders[id]?.status) {
        case (MessageType.shipmentDispatched, .confirmed): orders.orders[id]?.status = .shipped
        case (MessageType.shipmentDelivered, .confirmed), (MessageType.shipmentDelivered, .shipped):
            orders.orders[id]?.status = .delivered
        default: break
        }
    }

    /// What is due, as `SagaCoordinator.advanceDue`.
    func advanceDueSagas(_ replica: Int) -> Ran {
        let now = databaseNow(.order)
        var writes = SagaWrites(definition, now: now)
        for (id, row) in orders.sagas.sorted(by: { $0.key < $1.key }) {
            guard let dueAt = row.state.dueAt, dueAt <= now else { continue }
            advance(id, replica, &writes, isRepeatPaidFor: true) { $0.timer(now: now, jitter: $1) }
        }
        return advance(replica, writes)
    }

    private func isBudgetEmpty(_ replica: Int) -> Bool {
        now < Plan.healed && withRandom(of: replica) { faults.isBudgetEmpty(now, &$0) }
    }

    /// Operators redrive what was given up, and what could not be handled.
    func operators() {
        let time = databaseNow(.order)
        for (id, row) in orders.sagas.sorted(by: { $0.key < $1.key }) where row.state.status == .quarantined {
            guard let replica = replicas.first(where: { $0.service == .order && $0.isUp && $0.pausedUntil <= now })
            else { continue }
            note("operator", "redrives \(name(of: id))")
            saw(.quarantine)
            var writes = SagaWrites(definition, now: time)
            advance(id, replica.id, &writes) { $0.redrive(now: time, jitter: $1) }
            _ = advance(replica.id, writes)
        }
        for service in SimulatedService.allCases {
            for record in messages[service.rawValue].parking.redrive(now) {
                note("operator", "redrives \(describe(record.envelope))")
            }
            planParked(service)
        }
        push(.operators, after: .seconds(30))
    }
}

extension SagaReply {
    /// As the coordinator reads a reply.
    fileprivate init(_ reply: CommandReply) {
        switch reply.outcome {
        case .succeeded: self = .succeeded
        case .failed: self = .failed(reason: reply.reason?.rawValue ?? "unknown")
        case .nothingToUndo: self = .nothingToUndo
        }
    }
}

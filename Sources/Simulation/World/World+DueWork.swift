import Clocks
import Contracts
import Messaging
import PaymentService
import ShippingService

/// What acts by itself when its time has come: sagas, payments, shipments.
extension World {
    /// For how long a claim keeps others away: `OpenPayments.Configuration.lease`.
    static let lease = Duration.seconds(12)

    /// The nearest due time of a service's rows.
    private func nextDue(_ service: SimulatedService) -> Instant? {
        switch service {
        case .order:
            let skew = faults.databaseSkew[SimulatedService.order.rawValue]
            return [orders.sagas.values.compactMap(\.state.dueAt).min(), nextFollowUp].compactMap(\.self).min()
                .map { $0.microseconds - Self.epoch - skew }
        case .inventory: return nil
        case .payment: return payment.payments.values.compactMap(\.times.next).min()
        case .shipping: return shipping.shipments.values.compactMap(\.times.next).min()
        }
    }

    func planDue(_ service: SimulatedService) {
        guard service != .inventory, let next = nextDue(service) else { return }
        for replica in replicas where replica.service == service && replica.isUp {
            let at = max(next, now) + 1000 + withRandom(of: replica.id) { $0.skewed(0...500_000) }
            planDue(replica.id, at: at)
        }
    }

    private func planDue(_ replica: Int, at: Instant) {
        if let planned = replicas[replica].dueAt, planned <= at { return }
        replicas[replica].dueAt = at
        push(.due, of: replica, after: at - now)
    }

    func due(_ replica: Int) {
        // An older plan that was brought forward.
        guard let planned = replicas[replica].dueAt, planned <= now else { return }
        replicas[replica].dueAt = nil
        let service = replicas[replica].service
        guard let next = nextDue(service) else { return }
        guard next <= now else { return planDue(replica, at: next + 1000) }
        let ran: Ran
        switch service {
        case .order:
            let sagas = advanceDueSagas(replica)
            ran = sagas == .committed ? sayConfirmationsAgain(replica) : sagas
        case .inventory: return
        case .payment: ran = claimPayments(replica)
        case .shipping: ran = claimShipments(replica)
        }
        switch ran {
        case .died: return
        case .committed: planDue(service)
        case .failed, .unknown: planDue(replica, at: now + .seconds(1))
        }
    }

    // MARK: Payments and shipments, as `OpenPayments` and `OpenShipments`

    private func claimPayments(_ replica: Int) -> Ran {
        var claimed: [(payment: Payment, call: ProviderCall?)] = []
        for (order, row) in payment.payments.sorted(by: { $0.key < $1.key }) where row.times.isDue(now) {
            guard claimed.count < 4, let read = payment.read(order) else { continue }
            var conversation = PaymentConversation(read)
            let call = conversation.claim()
            var changed = conversation.payment
            changed.due = call == nil ? .never : .claimed(Self.lease)
            claimed.append((changed, call))
        }
        let ran = commit(replica) { for (changed, _) in claimed { payment.write(changed, now: now) } }
        if ran == .committed {
            for case (let changed, let call?) in claimed { make(.payment(changed, call), replica) }
        }
        return ran
    }

    private func claimShipments(_ replica: Int) -> Ran {
        let carrier = SimulatedCarrier(isBuiltin: plan.carrierIsBuiltin)
        var written: [ShipmentConversation] = []
        var dues: [ShippingService.Due] = []
        var calls: [(Shipment, CarrierCall)] = []
        for (order, row) in shipping.shipments.sorted(by: { $0.key < $1.key }) where row.times.isDue(now) {
            guard written.count < 4, let read = shipping.read(order, now: now) else { continue }
            var conversation = ShipmentConversation(read)
            let call = conversation.claim()
            if let call, let answer = carrier.immediateAnswer(to: call, for: conversation.shipment) {
                let step = proceed(&conversation, conversation.hear(answer, to: call), carrier)
                dues.append(due(after: step, conversation, carrier, replica))
            } else if let call {
                dues.append(.claimed(Self.lease))
                calls.append((conversation.shipment, call))
            } else {
                dues.append(.never)
            }
            written.append(conversation)
        }
        let ran = write(written, dues, replica)
        if ran == .committed { for (shipment, call) in calls { make(.shipment(shipment, call), replica) } }
        return ran
    }

    /// An answer has come; what it does is written down, and the next call made.
    func answered(_ replica: Int, _ call: Call) {
        guard passes(replica) else { return }
        switch (call.ask, call.answer) {
        case (.payment(let asked, let ask), .payment(let answer)?): record(answer, to: ask, asked, replica)
        case (.shipment(let asked, let ask), .shipment(let answer)?): record(answer, to: ask, asked, replica)
        default: break
        }
    }

    private func record(_ answer: ProviderAnswer, to ask: ProviderCall, _ asked: Payment, _ replica: Int) {
        guard let read = payment.read(asked.orderID) else { return }
        let provider = SimulatedProvider(isBuiltin: plan.providerIsBuiltin)
        var conversation = PaymentConversation(read)
        let isLate = read.claims != asked.claims
        var step = isLate ? conversation.hearLate(answer) : conversation.hear(answer, to: ask)
        if isLate { saw(.lateAnswer) }
        if isLate, case .ignored = step { return }
        while !isLate, case .call(let call) = step,
            let answer = provider.immediateAnswer(to: call, for: conversation.payment)
        {
            step = conversation.hear(answer, to: call)
        }
        var changed = conversation.payment
        changed.due = due(after: step, changed, isLate: isLate, replica)
        let outgoing =
            conversation.replies.map { reply($0.reply, replica) }
            + conversation.facts.map { fact(changed.orderID, $0.type, .paymentEvents, $0.reason, replica) }
        let ran = unitOfWork(replica, outgoing: outgoing) {
            payment.write(changed, now: now)
            for reply in conversation.replies { complete(reply.command, reply.reply, .payment) }
            notePayment(changed, conversation.facts, replica)
        }
        if ran == .committed, case .call(let next) = step, !isLate { make(.payment(changed, next), replica) }
    }

    private func due(
        after step: PaymentConversation.Step, _ payment: Payment, isLate: Bool, _ replica: Int
    ) -> PaymentService.Due {
        switch step {
        case .call: isLate ? .nudged : .claimed(Self.lease)
        case .rest, .ignored: .never
        case .wait where isLate: .unchanged
        case .wait where payment.isNudged: .after(.zero)
        case .wait(let atLeast): .after(max(backoff(payment.postponements, replica), atLeast ?? .zero))
        }
    }

    private func record(_ answer: CarrierAnswer, to ask: CarrierCall, _ asked: Shipment, _ replica: Int) {
        guard let read = shipping.read(asked.orderID, now: now) else { return }
        let carrier = SimulatedCarrier(isBuiltin: plan.carrierIsBuiltin)
        var conversation = ShipmentConversation(read)
        guard read.claims == asked.claims else {
            let step = conversation.hearLate(answer)
            if case .ignored = step { return }
            _ = write([conversation], [dueWhenLate(step)], replica)
            return
        }
        let step = proceed(&conversation, conversation.hear(answer, to: ask), carrier)
        let ran = write([conversation], [due(after: step, conversation, carrier, replica)], replica)
        if ran == .committed, case .call(let next) = step { make(.shipment(conversation.shipment, next), replica) }
    }

    private func dueWhenLate(_ step: ShipmentConversation.Step) -> ShippingService.Due {
        switch step {
        case .call: .nudged
        case .rest, .ignored: .never
        case .wait: .unchanged
        }
    }

    private func proceed(
        _ conversation: inout ShipmentConversation, _ step: ShipmentConversation.Step, _ carrier: SimulatedCarrier
    ) -> ShipmentConversation.Step {
        var step = step
        while case .call(let call) = step,
            let answer = carrier.immediateAnswer(to: call, for: conversation.shipment)
        {
            step = conversation.hear(answer, to: call)
        }
        return step
    }

    private func due(
        after step: ShipmentConversation.Step, _ conversation: ShipmentConversation, _ carrier: SimulatedCarrier,
        _ replica: Int
    ) -> ShippingService.Due {
        switch step {
        case .call: return .claimed(Self.lease)
        case .rest, .ignored: return .never
        case .wait where conversation.shipment.isNudged: return .after(.zero)
        case .wait(let atLeast):
            guard conversation.nextCall == .track else {
                return .after(max(backoff(conversation.shipment.postponements, replica), atLeast ?? .zero))
            }
            return carrier.trackingDelay(of: conversation.shipment).map { .after(max($0, atLeast ?? .zero)) } ?? .never
        }
    }

    private func write(
        _ conversations: [ShipmentConversation], _ dues: [ShippingService.Due], _ replica: Int
    ) -> Ran {
        let outgoing =
            conversations.flatMap { $0.replies.map { reply($0.reply, replica) } }
            + conversations.flatMap { conversation in
                conversation.events.map { fact(conversation.shipment.orderID, $0, .shippingEvents, nil, replica) }
            }
        return unitOfWork(replica, outgoing: outgoing) {
            for (conversation, due) in zip(conversations, dues) {
                var shipment = conversation.shipment
                shipment.due = due
                shipping.write(shipment, now: now)
                for reply in conversation.replies { complete(reply.command, reply.reply, .shipping) }
                noteShipment(shipment, replica)
            }
        }
    }

    /// `Backoff.exponential(base: .milliseconds(100), factor: 2, cap: .seconds(5), jitter: 0.2)`.
    private func backoff(_ postponements: Int, _ replica: Int) -> Duration {
        let wait = min(5_000_000, 100_000 << Int64(min(max(postponements, 1), 10) - 1))
        return .microseconds(withRandom(of: replica) { $0.within(Int64(wait) * 4 / 5...Int64(wait)) })
    }

    /// As `Inbox.complete`.
    func complete(_ command: UUID, _ reply: CommandReply, _ service: SimulatedService) {
        if messages[service.rawValue].inbox[command] != nil {
            messages[service.rawValue].inbox[command] = .some(reply.encoded)
        }
    }
}

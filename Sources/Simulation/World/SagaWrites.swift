import Clocks
import Contracts
import Messaging
import OrderService
import Saga
import SagaRuntime

/// What the transitions of several sagas write and say in one transaction, as `SagaBatch` and `PlaceOrderProcess` make
/// it of the machine's actions.
struct SagaWrites {
    /// The sagas as they will be.
    private(set) var rows: [UUID: OrderTables.SagaRow] = [:]
    private(set) var outcomes: [(id: UUID, status: Order.Status, reason: Reason?)] = []
    private var performed: [UUID] = []
    private var ended: [(id: UUID, outcome: SagaOutcome)] = []
    private var commands: [OutgoingMessage] = []
    private(set) var quarantined: [UUID] = []
    /// What goes over HTTP, once committed.
    private(set) var direct: [DirectCommand] = []
    private let definition: SagaDefinition
    private let now: Timestamp

    init(_ definition: SagaDefinition, now: Timestamp) {
        self.definition = definition
        self.now = now
    }

    /// Takes in the actions of one transition.
    mutating func add(
        _ actions: [SagaAction], _ id: UUID, _ state: SagaState, by way: CommandWay = .kafka,
        journal: [SagaJournalEntry], order: OrderTables.OrderRow
    ) {
        var row = rows[id] ?? OrderTables.SagaRow(state: state, journal: journal)
        row.state = state
        for action in actions {
            switch action {
            case .append(let entry): row.journal.append(entry)
            case .update(let entry, let status, let attempts, let finishedAt, let detail):
                row.journal[entry].status = status
                row.journal[entry].attempts = attempts
                row.journal[entry].finishedAt = finishedAt
                row.journal[entry].detail = detail
            case .send(let step, let kind, _):
                let message = command(step, kind, id, state, order)
                guard way == .direct else {
                    commands.append(message)
                    continue
                }
                let patience = state.dueAt.map { now.duration(to: $0) } ?? .zero
                direct.append(
                    DirectCommand(
                        saga: id, name: definition.command(step, kind), message: message, patience: patience))
            case .perform: performed.append(id)
            case .finished(let outcome): ended.append((id, outcome))
            case .quarantined: quarantined.append(id)
            }
        }
        rows[id] = row
    }

    private func command(
        _ index: Int, _ kind: SagaJournalEntry.Kind, _ id: UUID, _ state: SagaState, _ order: OrderTables.OrderRow
    ) -> OutgoingMessage {
        let step = definition.steps[index]
        let name = definition.command(index, kind)
        let patience = kind == .action ? step.policy.patience : nil
        let start = state.position == index ? state.stepStartedAt : now
        let (topic, type, payload) = Self.payload(name, order)
        return OutgoingMessage(
            topic: topic,
            envelope: MessageEnvelope(
                // One id for all resends: `SagaBatch.commandID`.
                id: UUID(high: id.high, low: id.low ^ UInt64(index * 2 + (kind == .action ? 1 : 2))), source: "order",
                type: type, orderID: id, time: now, deadline: patience.map { start.advanced(by: $0) },
                payload: payload))
    }

    private static func payload(_ name: String, _ order: OrderTables.OrderRow) -> (Topic, String, [UInt8]) {
        func parts<C: Command>(_ command: C, _ payload: [UInt8]) -> (Topic, String, [UInt8]) {
            (C.topic, C.messageType, payload)
        }
        switch name {
        case ReserveStock.name:
            let command = ReserveStock(orderID: order.id, lines: order.lines)
            return parts(command, command.encoded)
        case ChargePayment.name:
            let command = ChargePayment(orderID: order.id, amount: order.amount, token: order.token)
            return parts(command, command.encoded)
        case BookShipment.name:
            let command = BookShipment(orderID: order.id, shipTo: order.shipTo, lines: order.lines)
            return parts(command, command.encoded)
        case CommitStock.name: return parts(CommitStock(orderID: order.id), CommitStock(orderID: order.id).encoded)
        case ReleaseStock.name: return parts(ReleaseStock(orderID: order.id), ReleaseStock(orderID: order.id).encoded)
        case RefundPayment.name:
            return parts(RefundPayment(orderID: order.id), RefundPayment(orderID: order.id).encoded)
        case CancelShipment.name:
            return parts(CancelShipment(orderID: order.id), CancelShipment(orderID: order.id).encoded)
        default: preconditionFailure("the order saga has no command \(name)")
        }
    }

    /// Adds what local steps and ends do to the orders; answers all messages in the order of `SagaBatch.effects`.
    mutating func conclude(newID: () -> UUID) -> [OutgoingMessage] {
        var events: [OutgoingMessage] = []
        func decide(_ id: UUID, _ status: Order.Status, _ reason: Reason?, _ type: String) {
            outcomes.append((id, status, reason))
            events.append(
                OutgoingMessage(
                    topic: .orderEvents,
                    envelope: MessageEnvelope(
                        id: newID(), source: "order", type: type, orderID: id, time: now,
                        payload: OrderFact(orderID: id, reason: reason, at: now).encoded)))
        }
        for id in performed { decide(id, .confirmed, nil, MessageType.orderConfirmed) }
        for (id, outcome) in ended {
            guard case .compensated(let text) = outcome else { continue }
            let reason = Reason(rawValue: text) ?? .timedOut
            if reason == .cancelledByCustomer {
                decide(id, .cancelled, reason, MessageType.orderCancelled)
            } else {
                decide(id, .rejected, reason, MessageType.orderRejected)
            }
        }
        return events + commands
    }
}

extension SagaDefinition {
    /// The name of the command that does or undoes the step with this index.
    func command(_ index: Int, _ kind: SagaJournalEntry.Kind) -> String {
        let step = steps[index]
        return kind == .action ? step.name : step.compensation?.name ?? step.name
    }
}

import Clocks
import Contracts
import Messaging
import Postgres

/// Handles the saga's commands to inventory: a batch of them is one look at the stock and one write.
struct StockCommandHandler: MessageHandler {
    private enum StockCommand {
        case reserve(ReserveStock)
        case release
        case commit
    }

    private let messages: MessageFactory

    init(messages: MessageFactory) {
        self.messages = messages
    }

    func reads(for batch: [IncomingMessage]) -> [Statement] {
        let orders = Set(batch.map(\.envelope.orderID)).sorted()
        var skus: Set<String> = []
        for message in batch {
            if case .reserve(let command)? = try? decode(message) { skus.formUnion(command.lines.map(\.sku)) }
        }
        return [
            ReservationStatements.lock(orders: orders), ReservationStatements.voided(among: orders),
            ItemStatements.lock(skus: skus.sorted(), reservedBy: orders),
        ]
    }

    func handle(_ batch: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var ledger = StockLedger(
            levels: try ItemStatements.levels(rows[2]), reservations: try ReservationStatements.reservations(rows[0]),
            voided: Set(try rows[1].map { try $0.uuid(0) }))
        var handled = HandledBatch()
        for message in batch {
            let command: StockCommand
            do {
                command = try decode(message)
            } catch {
                handled.refused[message.envelope.id] = "\(error)"
                continue
            }
            apply(command, of: message, to: &ledger, handled: &handled)
        }
        handled.writes = ItemStatements.update(ledger) + ReservationStatements.write(ledger, now: messages.wallNow)
        return handled
    }

    private func decode(_ message: IncomingMessage) throws(ContractError) -> StockCommand {
        let envelope = message.envelope
        switch envelope.type {
        case MessageType.reserveStock: return .reserve(try ReserveStock(decoding: envelope.payload))
        case MessageType.releaseStock: return .release
        case MessageType.commitStock: return .commit
        default: throw ContractError(type: envelope.type, detail: "inventory-service does not know this command")
        }
    }

    private func apply(
        _ command: StockCommand, of message: IncomingMessage, to ledger: inout StockLedger,
        handled: inout HandledBatch
    ) {
        let orderID = message.envelope.orderID
        let name: String
        let outcome: StockLedger.Outcome
        switch command {
        case .reserve(let reserve):
            name = ReserveStock.name
            outcome = ledger.reserve(reserve.lines, for: orderID)
        case .release:
            name = ReleaseStock.name
            outcome = ledger.release(orderID)
            if outcome == .done { say(MessageType.stockReleased, after: message, in: &handled) }
        case .commit:
            name = CommitStock.name
            outcome = ledger.commit(orderID)
            if outcome == .done { say(MessageType.stockShipped, after: message, in: &handled) }
        }
        if case .conflict(let status) = outcome {
            handled.refused[message.envelope.id] = "\(name) met a reservation that is \(status.rawValue)"
            return
        }
        let reply = CommandReply(orderID: orderID, command: name, outcome)
        handled.replies[message.envelope.id] = messages.reply(reply, to: message.envelope)
    }

    private func say(_ type: String, after message: IncomingMessage, in handled: inout HandledBatch) {
        let fact = OrderFact(orderID: message.envelope.orderID, at: messages.wallNow)
        handled.outgoing.append(messages.event(fact, type: type, to: .inventoryEvents, following: message.envelope))
    }
}

extension CommandReply {
    /// What the saga is told.
    fileprivate init(orderID: UUID, command: String, _ outcome: StockLedger.Outcome) {
        switch outcome {
        case .done, .alreadyDone: self.init(orderID: orderID, command: command, outcome: .succeeded)
        case .nothingToUndo: self.init(orderID: orderID, command: command, outcome: .nothingToUndo)
        case .refused(let reason):
            self.init(orderID: orderID, command: command, outcome: .failed, reason: reason)
        case .voided, .conflict:
            self.init(orderID: orderID, command: command, outcome: .failed, reason: .timedOut)
        }
    }
}

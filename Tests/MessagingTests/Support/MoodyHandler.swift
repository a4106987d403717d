import Clocks
import Contracts
import Postgres
import Synchronization

@testable import Messaging

/// Handles texts, but for those that it cannot handle at the moment.
final class MoodyHandler: MessageHandler {
    private let messages: MessageFactory
    private let poison: Mutex<Set<String>>

    /// - Parameter poison: what makes it throw until ``heal(_:)``.
    init(_ messages: MessageFactory, poison: Set<String>) {
        self.messages = messages
        self.poison = Mutex(poison)
    }

    func heal(_ texts: String...) {
        poison.withLock { $0.subtract(texts) }
    }

    func reads(for _: [IncomingMessage]) -> [Statement] { [] }

    func handle(_ batch: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        for message in batch where poison.withLock({ $0.contains(message.text) }) { throw EchoHandler.Refusal() }
        return try EchoHandler(messages: messages).handle(batch, rows: rows)
    }
}

extension IncomingMessage {
    var text: String { String(decoding: envelope.payload, as: UTF8.self) }
}

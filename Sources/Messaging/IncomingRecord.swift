import Clocks

/// A record as it came from a topic: a message of ours, or what cannot be read as one.
package enum IncomingRecord: Sendable {
    case message(IncomingMessage)
    case unreadable(UnreadableRecord)

    package var origin: MessageOrigin {
        switch self {
        case .message(let message): message.origin
        case .unreadable(let record): record.origin
        }
    }

    /// The order whose messages keep their order with this one; nil for a record that names none.
    package var orderID: UUID? {
        switch self {
        case .message(let message): message.envelope.orderID
        case .unreadable(let record): record.orderID
        }
    }

    /// The message, where it is one.
    var message: IncomingMessage? {
        guard case .message(let message) = self else { return nil }
        return message
    }

    /// Reads a record.
    package init(
        origin: MessageOrigin, key: [UInt8]?, headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?
    ) {
        do throws(EnvelopeError) {
            let envelope = try MessageEnvelope(kafkaHeaders: headers, payload: payload)
            self = .message(IncomingMessage(envelope: envelope, origin: origin))
        } catch {
            self = .unreadable(
                UnreadableRecord(
                    origin: origin, key: key, headers: headers, payload: payload, detail: error.description))
        }
    }
}

/// A record that is no message of ours, or not one that this version can read.
package struct UnreadableRecord: Sendable {
    package var origin: MessageOrigin
    package var key: [UInt8]?
    package var headers: [(name: String, value: [UInt8]?)]
    package var payload: [UInt8]?
    /// What is wrong with it, as a sentence.
    package var detail: String

    package init(
        origin: MessageOrigin, key: [UInt8]?, headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?,
        detail: String
    ) {
        self.origin = origin
        self.key = key
        self.headers = headers
        self.payload = payload
        self.detail = detail
    }

    /// The order named by the record's key, or by its subject where that can be read.
    package var orderID: UUID? {
        let subject = headers.last { $0.name == "ce_subject" }?.value
        return [key, subject].lazy.compactMap { $0 }.compactMap { UUID(String(decoding: $0, as: UTF8.self)) }.first
    }
}

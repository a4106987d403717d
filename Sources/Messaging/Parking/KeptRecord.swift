import Clocks

/// A record that is kept because it could not be handled, with everything needed to understand it and to try it again.
package struct KeptRecord: Sendable {
    package var origin: MessageOrigin
    /// The order it belongs to; nil for a record that names none.
    package var orderID: UUID?
    /// What it says, where it could be read.
    package var envelope: MessageEnvelope?
    package var key: [UInt8]?
    /// The record's headers as they came, in order.
    package var headers: [(name: String, value: [UInt8]?)]
    package var payload: [UInt8]?

    package init(_ record: IncomingRecord) {
        origin = record.origin
        orderID = record.orderID
        switch record {
        case .message(let message):
            envelope = message.envelope
            key = message.envelope.kafkaKey
            headers = message.envelope.kafkaHeaders.map { ($0.name, $0.value) }
            payload = message.envelope.payload
        case .unreadable(let record):
            (key, headers, payload) = (record.key, record.headers, record.payload)
        }
    }

    /// Tells repeats: a message by its id, however often it is sent; what has none by where it lay and what it was, for
    /// a broker that loses its log begins its offsets anew.
    package var identity: String {
        if let envelope { return envelope.id.description }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            hash = hash &* 0x0000_0100_0000_01b3
        }
        add(key ?? [])
        for header in headers {
            add(header.name.utf8)
            add(header.value ?? [])
        }
        add(payload ?? [])
        return "\(origin.partition)/\(origin.offset)/" + String(hash, radix: 16)
    }
}

/// Why a record could not be handled.
package struct Trouble: Sendable, Hashable {
    /// The classes of trouble that operators tell apart.
    package enum Reason: String, CaseIterable, Sendable {
        /// It cannot be read as a message.
        case unreadable
        /// Its handler says that it can never do it.
        case refused
        /// Handling it failed.
        case failed
    }

    package var reason: Reason
    /// One sentence for the operator.
    package var detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        // Postgres' text has no NUL, and nobody reads pages of it.
        self.detail = String(String.UnicodeScalarView(detail.unicodeScalars.prefix(1000).filter { $0.value != 0 }))
    }
}

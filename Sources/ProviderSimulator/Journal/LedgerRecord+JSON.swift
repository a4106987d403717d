import Clocks
import Contracts
import JSON

// The form of the journal: a line is an array of records that happened together, each an object with one member named
// after its kind. Times are microseconds since 1970, amounts minor units, digests lower-case hex.

extension LedgerRecord: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object { json in
            switch self {
            case .charge(let charge): json.object("charge") { charge.encodeRecord(to: &$0) }
            case .refund(let refund): json.object("refund") { refund.encodeRecord(to: &$0) }
            case .booking(let booking): json.object("booking") { booking.encodeRecord(to: &$0) }
            case .refusal(let key): json.object("refusal") { $0.member("key", key) }
            case .duplicate(let kind): json.object("duplicate") { $0.member("of", kind.rawValue) }
            case .event(let event): json.object("event") { event.encodeRecord(to: &$0) }
            case .eventFailed(let id, let attempts, let dueAt):
                json.object("eventFailed") {
                    $0.member("id", id)
                    $0.member("attempts", attempts)
                    $0.member("due", dueAt.microseconds)
                }
            case .eventEnded(let id, let isDelivered):
                json.object("eventEnded") {
                    $0.member("id", id)
                    $0.member("delivered", isDelivered)
                }
            }
        }
    }

    /// Reads what ``encode(to:)`` wrote; the first problem with anything else.
    init(_ record: inout JSONObjectDecoder) {
        // Each member is asked for, so that one nobody knows is refused; the last one there is the record.
        var found: LedgerRecord?
        if let field = record.optional("charge") { found = .charge(field.object { Charge(record: &$0) }) }
        if let field = record.optional("refund") { found = .refund(field.object { Refund(record: &$0) }) }
        if let field = record.optional("booking") { found = .booking(field.object { Booking(record: &$0) }) }
        if let field = record.optional("refusal") { found = .refusal(key: field.object { $0.string("key") }) }
        if let field = record.optional("duplicate") { found = .duplicate(field.object { $0.oneOf("of") }) }
        if let field = record.optional("event") { found = .event(field.object { WebhookEvent(record: &$0) }) }
        if let field = record.optional("eventFailed") {
            found = field.object {
                .eventFailed(
                    id: $0.string("id"), attempts: $0.integer("attempts", in: 0...Int.max), dueAt: $0.time("due"))
            }
        }
        if let field = record.optional("eventEnded") {
            found = field.object { .eventEnded(id: $0.string("id"), isDelivered: $0.boolean("delivered")) }
        }
        if found == nil { record.refuse("is no record") }
        self = found ?? .duplicate(.charge)
    }
}

extension Charge {
    fileprivate func encodeRecord(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("key", key)
        json.member("status", status.rawValue)
        json.member("amount", amount)
        json.member("captured", captured)
        json.member("refunded", refunded)
        json.member("reference", reference)
        json.member("fingerprint", fingerprint.map(HexText.write))
        json.member("created", createdAt.microseconds)
        json.member("updated", updatedAt.microseconds)
        json.member("due", dueAt?.microseconds)
    }

    fileprivate init(record: inout JSONObjectDecoder) {
        self.init(
            id: record.string("id"), key: record.string("key"), status: record.oneOf("status"),
            amount: record.optional("amount")?.object { Money(&$0, in: 0...Int64.max) },
            captured: record.integer("captured", in: 0...Int64.max),
            refunded: record.integer("refunded", in: 0...Int64.max),
            reference: record.optional("reference")?.string(), fingerprint: record.digest("fingerprint"),
            createdAt: record.time("created"), updatedAt: record.time("updated"), dueAt: record.optionalTime("due"))
    }
}

extension Refund {
    fileprivate func encodeRecord(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("key", key)
        json.member("charge", charge)
        json.member("amount", amount)
        json.member("fingerprint", HexText.write(fingerprint))
        json.member("created", createdAt.microseconds)
    }

    fileprivate init(record: inout JSONObjectDecoder) {
        self.init(
            id: record.string("id"), key: record.string("key"), charge: record.string("charge"),
            amount: record.object("amount") { Money(&$0, in: 0...Int64.max) },
            fingerprint: record.digest("fingerprint") ?? [], createdAt: record.time("created"))
    }
}

extension Booking {
    fileprivate func encodeRecord(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("key", key)
        json.member("status", status.rawValue)
        json.member("reference", reference)
        json.member("fingerprint", fingerprint.map(HexText.write))
        json.member("created", createdAt.microseconds)
        json.member("updated", updatedAt.microseconds)
        json.member("dispatch", dispatchAt?.microseconds)
        json.member("deliver", deliverAt?.microseconds)
    }

    fileprivate init(record: inout JSONObjectDecoder) {
        self.init(
            id: record.string("id"), key: record.string("key"), status: record.oneOf("status"),
            reference: record.optional("reference")?.string(), fingerprint: record.digest("fingerprint"),
            createdAt: record.time("created"), updatedAt: record.time("updated"),
            dispatchAt: record.optionalTime("dispatch"), deliverAt: record.optionalTime("deliver"))
    }
}

extension WebhookEvent {
    fileprivate func encodeRecord(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("target", target.rawValue)
        json.member("type", type)
        json.member("body", String(decoding: body, as: UTF8.self))
        json.member("attempts", attempts)
        json.member("due", dueAt.microseconds)
    }

    fileprivate init(record: inout JSONObjectDecoder) {
        self.init(
            id: record.string("id"), target: record.oneOf("target"), type: record.string("type"),
            body: Array(record.string("body").utf8), attempts: record.integer("attempts", in: 0...Int.max),
            dueAt: record.time("due"))
    }
}

extension JSONObjectDecoder {
    fileprivate mutating func time(_ name: StaticString) -> Timestamp {
        Timestamp(microseconds: integer(name, in: Int64.min...Int64.max))
    }

    fileprivate mutating func optionalTime(_ name: StaticString) -> Timestamp? {
        optional(name).map { Timestamp(microseconds: $0.integer(in: Int64.min...Int64.max)) }
    }

    fileprivate mutating func digest(_ name: StaticString) -> [UInt8]? {
        guard let field = optional(name) else { return nil }
        guard let bytes = HexText.read(field.string()) else {
            field.refuse("must be hex")
            return nil
        }
        return bytes
    }
}

/// Bytes as lower-case hex.
enum HexText {
    static func write(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func read(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let byte = UInt8(String(decoding: text[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}

import Clocks
import Contracts
import JSON

extension Charge: JSONEncodable {
    /// The charge as callers see it.
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("id", id)
            $0.member("key", key)
            $0.member("status", status.rawValue)
            $0.member("amount", amount)
            $0.member("captured", amount.map { Money(amount: captured, currency: $0.currency) })
            $0.member("refunded", amount.map { Money(amount: refunded, currency: $0.currency) })
            $0.member("reason", reason)
            $0.member("reference", reference)
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
    }
}

extension Refund: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("id", id)
            $0.member("key", key)
            $0.member("charge", charge)
            $0.member("amount", amount)
            $0.member("createdAt", createdAt)
        }
    }
}

extension Booking: JSONEncodable {
    /// The booking as callers see it.
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("id", id)
            $0.member("key", key)
            $0.member("status", status.rawValue)
            $0.member("reason", reason)
            $0.member("reference", reference)
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
    }
}

extension JSONEncodable {
    /// The value alone, as a document.
    var document: [UInt8] {
        var json = JSONWriter(capacity: 512)
        json.value(self)
        return json.bytes
    }
}

extension Ledger {
    /// Writes a message once and for all and plans its first attempt.
    mutating func tell(
        _ target: WebhookEvent.Target, _ type: String, key: String, data: some JSONEncodable, at now: Timestamp,
        random: any RandomSource
    ) {
        let id = "evt_\(UUID.version7(at: now, random: random))"
        var json = JSONWriter(capacity: 640)
        json.object {
            $0.member("id", id)
            $0.member("type", type)
            $0.member("key", key)
            $0.member("at", now)
            $0.member("data", data)
        }
        commit(.event(WebhookEvent(id: id, target: target, type: type, body: json.bytes, dueAt: now)))
    }
}

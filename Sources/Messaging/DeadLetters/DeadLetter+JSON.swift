import Clocks
import Contracts
import JSON

extension DeadLetter {
    /// The headers as a JSON array of `[name, value]`; a value that is no text is given as bytes in hexadecimal.
    var headersAsJSON: String {
        var json = JSONWriter(capacity: 512)
        json.array(headers) { json, header in
            json.array {
                $0.string(header.name)
                $0.value(header.value.map(Self.text))
            }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func text(_ value: [UInt8]) -> String {
        // Postgres' jsonb has no NUL.
        if let text = String(validating: value, as: UTF8.self), !value.contains(0) { return text }
        return "0x" + value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The message that tells operators of it, on the topic's dead-letter topic; nil when the record named no order.
    func publication(by messages: MessageFactory) -> OutgoingMessage? {
        guard let envelope else { return nil }
        var json = JSONWriter(capacity: 1024)
        json.object {
            $0.member("reason", reason)
            $0.member("attempts", attempts)
            $0.object("origin") {
                $0.member("topic", origin.topic)
                $0.member("partition", origin.partition)
                $0.member("offset", origin.offset)
            }
            $0.member("firstSeen", firstSeen)
            $0.member("lastSeen", messages.wallNow)
            $0.member("type", envelope.type)
            $0.member("id", envelope.id)
            // What cannot be handled may be no JSON at all.
            $0.member("data", String(decoding: envelope.payload, as: UTF8.self))
        }
        var letter = messages.message(
            to: .sagaReplies, type: "holdfast.dead-letter.v1", orderID: envelope.orderID, trace: envelope.trace,
            payload: json.bytes)
        letter.topic = origin.topic + ".dead-letter"
        return letter
    }
}

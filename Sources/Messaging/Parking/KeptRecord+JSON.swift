import Clocks
import Contracts
import JSON

extension KeptRecord {
    /// Headers as a JSON array of `[name, value]`; a value that is no text is given as `[name, hexadecimal, "hex"]`.
    package static func encode(_ headers: [(name: String, value: [UInt8]?)]) -> String {
        var json = JSONWriter(capacity: 512)
        json.array(headers) { json, header in
            json.array { json in
                json.string(header.name)
                guard let value = header.value else { return json.null() }
                // Postgres' jsonb has no NUL.
                if let text = String(validating: value, as: UTF8.self), !value.contains(0) {
                    json.string(text)
                } else {
                    json.string(value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
                    json.string("hex")
                }
            }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Reads what ``encode(_:)`` wrote; nil for anything else.
    package static func headers(_ json: [UInt8]) -> [(name: String, value: [UInt8]?)]? {
        guard let document = try? JSONDocument(parsing: json) else { return nil }
        return headers(document.root)
    }

    package static func headers(_ json: JSONValue) -> [(name: String, value: [UInt8]?)]? {
        guard json.kind == .array else { return nil }
        var headers: [(name: String, value: [UInt8]?)] = []
        for element in json.elements {
            let parts = Array(element.elements)
            guard (2...3).contains(parts.count), let name = parts[0].string else { return nil }
            if parts.count == 3 {
                guard parts[2].string == "hex", let value = parts[1].string.flatMap(bytes) else { return nil }
                headers.append((name, value))
            } else if let text = parts[1].string {
                headers.append((name, Array(text.utf8)))
            } else {
                guard parts[1].isNull else { return nil }
                headers.append((name, nil))
            }
        }
        return headers
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }

    /// The message that tells operators that this is a dead letter, on the topic's dead-letter topic; nil when it names
    /// no order.
    func publication(
        _ trouble: Trouble, attempts: Int, firstSeen: Timestamp, by messages: MessageFactory
    ) -> OutgoingMessage? {
        guard let orderID else { return nil }
        var json = JSONWriter(capacity: 1024)
        json.object {
            $0.member("trouble", trouble.reason.rawValue)
            $0.member("reason", trouble.detail)
            $0.member("attempts", attempts)
            $0.object("origin") {
                $0.member("topic", origin.topic)
                $0.member("partition", origin.partition)
                $0.member("offset", origin.offset)
            }
            $0.member("firstSeen", firstSeen)
            $0.member("lastSeen", messages.wallNow)
            $0.member("type", envelope?.type)
            $0.member("id", envelope?.id)
            // What cannot be handled may be no JSON at all.
            $0.member("data", payload.map { String(decoding: $0, as: UTF8.self) })
        }
        var letter = messages.message(
            to: .sagaReplies, type: "holdfast.dead-letter.v1", orderID: orderID, trace: envelope?.trace,
            payload: json.bytes)
        letter.topic = origin.topic + ".dead-letter"
        return letter
    }
}

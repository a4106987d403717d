import JSON
import Messaging

extension StoredDeadLetter {
    /// What a list shows of a letter.
    func writeSummary(to json: inout JSONWriter) {
        json.object { writeMembers(to: &$0) }
    }

    /// Everything there is of a letter.
    func writeAll(to json: inout JSONWriter) {
        json.object { json in
            writeMembers(to: &json)
            json.member("key", key.map(Self.text))
            json.name("contents")
            Self.write(headers, payload, to: &json)
            json.name("original")
            guard let original else { return json.null() }
            Self.write(original.headers, original.payload, to: &json)
        }
    }

    private func writeMembers(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("status", status.rawValue)
        json.member("reason", trouble.reason.rawValue)
        json.member("detail", trouble.detail)
        json.member("topic", topic)
        json.member("partition", partition)
        json.member("offset", offset)
        json.member("orderId", orderID)
        json.member("messageId", messageID)
        json.member("type", headers.last { $0.name == "ce_type" }?.value.map(Self.text))
        json.member("attempts", attempts)
        json.member("repeats", repeats)
        json.member("redrives", redrives)
        json.member("firstSeen", firstSeen)
        json.member("lastSeen", lastSeen)
        json.member("editedAt", editedAt)
        json.member("editedBy", editedBy)
        json.member("resolvedAt", resolvedAt)
        json.member("resolvedBy", resolvedBy)
        json.member("resolution", resolution)
    }

    /// `{"headers":[[name, value],…],"payload":text}`; what is no text is told by `payloadHex`.
    private static func write(
        _ headers: [(name: String, value: [UInt8]?)], _ payload: [UInt8]?, to json: inout JSONWriter
    ) {
        json.object { json in
            json.name("headers")
            json.raw(KeptRecord.encode(headers).utf8)
            let readable = payload.flatMap { String(validating: $0, as: UTF8.self) }
            json.member("payload", readable)
            if let payload, readable == nil { json.member("payloadHex", hexadecimal(payload)) }
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self) ?? "0x" + hexadecimal(bytes)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

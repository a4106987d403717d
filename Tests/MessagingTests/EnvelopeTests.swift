import Clocks
import Contracts
import Testing

@testable import Messaging

@Suite("The CloudEvents envelope")
struct EnvelopeTests {
    private let envelope = MessageEnvelope(
        id: UUID("0198f2a0-0000-7000-8000-000000000001")!, source: "/holdfast/order-service",
        type: MessageType.reserveStock, orderID: UUID("0198f2a0-0000-7000-8000-000000000002")!,
        time: Timestamp(rfc3339: "2026-01-02T03:04:05.678Z")!,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b",
        deadline: Timestamp(milliseconds: 1_767_323_045_000), payload: Array(#"{"orderId":"x"}"#.utf8))

    private var headers: [(name: String, value: [UInt8]?)] { envelope.kafkaHeaders.map { ($0.name, $0.value) } }

    @Test("has the headers of the Kafka binding in binary mode")
    func headersOfBinding() {
        let texts = envelope.kafkaHeaders.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        #expect(
            texts == [
                "ce_specversion=1.0", "ce_id=0198f2a0-0000-7000-8000-000000000001",
                "ce_source=/holdfast/order-service", "ce_type=holdfast.inventory.reserve-stock.v1",
                "ce_time=2026-01-02T03:04:05.678Z", "ce_subject=0198f2a0-0000-7000-8000-000000000002",
                "content-type=application/json",
                "traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate=a=b",
                "deadline=1767323045000",
            ])
        #expect(envelope.kafkaKey == Array("0198f2a0-0000-7000-8000-000000000002".utf8))
    }

    @Test("reads back what it writes")
    func roundTrip() throws {
        #expect(try MessageEnvelope(kafkaHeaders: headers, payload: envelope.payload) == envelope)
    }

    @Test("ignores headers it does not know, whatever they hold")
    func unknownHeaders() throws {
        let more = headers + [("x-other", [0xFF, 0xFE]), ("empty", nil)]
        #expect(try MessageEnvelope(kafkaHeaders: more, payload: envelope.payload) == envelope)
    }

    @Test(
        "names the header that is missing",
        arguments: ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"])
    func missing(name: String) {
        #expect(throws: EnvelopeError.missingHeader(name)) {
            try MessageEnvelope(kafkaHeaders: headers.filter { $0.name != name }, payload: envelope.payload)
        }
    }

    @Test(
        "names the header that cannot be read",
        arguments: [
            ("ce_id", "7"), ("ce_subject", ""), ("ce_time", "yesterday"), ("deadline", "-1"), ("deadline", "1e3"),
        ])
    func invalid(name: String, value: String) {
        let changed = headers.map { $0.name == name ? (name, Array(value.utf8)) : $0 }
        #expect(throws: EnvelopeError.invalidHeader(name, value: value)) {
            try MessageEnvelope(kafkaHeaders: changed, payload: envelope.payload)
        }
    }

    @Test("refuses another version of CloudEvents and a record without payload")
    func versionAndPayload() {
        let changed = headers.map { $0.name == "ce_specversion" ? ("ce_specversion", Array("0.3".utf8)) : $0 }
        #expect(throws: EnvelopeError.unsupportedSpecVersion("0.3")) {
            try MessageEnvelope(kafkaHeaders: changed, payload: envelope.payload)
        }
        #expect(throws: EnvelopeError.emptyPayload) { try MessageEnvelope(kafkaHeaders: headers, payload: nil) }
        #expect(throws: EnvelopeError.emptyPayload) { try MessageEnvelope(kafkaHeaders: headers, payload: []) }
    }
}

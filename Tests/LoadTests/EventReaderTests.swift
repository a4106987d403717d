import Clocks
import Testing

@testable import Load

@Suite("Reading events")
struct EventReaderTests {
    private static let first =
        "id: 7\nevent: order-status\ndata: " + #"{"orderId":"a","status":"pending","reason":null,"at":"x"}"# + "\n\n"
    private static let second =
        "id: 9\nevent: order-status\ndata: " + #"{"orderId":"b","status":"confirmed","reason":null,"at":"x"}"# + "\n\n"

    private func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
    }

    @Test("events come whole wherever the bytes are cut")
    func cuts() throws {
        // The second event runs over the end of a chunk.
        let body = Self.first + ": still here\n\n" + Self.second
        let middle = body.utf8.index(body.utf8.startIndex, offsetBy: body.utf8.count - 30)
        let text =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunk(String(body[..<middle]))
            + chunk(String(body[middle...])) + "0\r\n\r\n"
        let bytes = Array(text.utf8)
        for cut in 1..<bytes.count {
            var reader = EventReader()
            var events: [EventReader.Event] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                try Array(part).withUnsafeBufferPointer { events += try reader.take($0) }
            }
            #expect(
                events == [
                    .init(number: 7, orderID: "a", status: "pending"),
                    .init(number: 9, orderID: "b", status: "confirmed"),
                ])
            #expect(reader.isOver)
        }
    }

    @Test("an answer that is no stream is told")
    func refused() {
        var reader = EventReader()
        let bytes = Array("HTTP/1.1 503 Service Unavailable\r\n\r\n".utf8)
        #expect(throws: EventReader.Failure.refused("HTTP/1.1 503 Service Unavailable")) {
            try bytes.withUnsafeBufferPointer { _ = try reader.take($0) }
        }
    }
}

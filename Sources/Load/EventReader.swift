import JSON

/// Reads a server's answer that is a stream of events, in pieces as they come: head, chunks, lines. Pure.
struct EventReader {
    struct Event: Equatable {
        var number: Int64
        var orderID: String
        var status: String
    }

    enum Failure: Error, Equatable {
        /// The server answered with this status line instead of a stream.
        case refused(String)
        /// What came is no chunked event stream.
        case malformed
    }

    private enum Place {
        case head, chunkSize, end
        case chunk(left: Int)
        /// The line end behind a chunk.
        case chunkEnd
    }

    private var place = Place.head
    private var line: [UInt8] = []
    private var previousWasReturn = false
    private var number: Int64?
    private var data: [UInt8]?

    /// Whether the stream ended as it should.
    var isOver: Bool {
        if case .end = place { true } else { false }
    }

    /// Takes what came; returns the events that are whole.
    mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) -> [Event] {
        var events: [Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            switch place {
            case .chunk(let left):
                let part = rest.prefix(left)
                takeBody(part, &events)
                rest = rest.dropFirst(part.count)
                place = part.count == left ? .chunkEnd : .chunk(left: left - part.count)
            case .end: return events
            case .head, .chunkSize, .chunkEnd:
                guard let byte = rest.popFirst() else { return events }
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    guard line.count < 16_384 else { throw .malformed }
                    continue
                }
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                try takeFrameLine(String(decoding: line, as: UTF8.self))
            }
        }
        return events
    }

    private mutating func takeFrameLine(_ text: String) throws(Failure) {
        line.removeAll(keepingCapacity: true)
        switch place {
        case .head:
            if text.hasPrefix("HTTP/1.1 "), !text.hasPrefix("HTTP/1.1 200") { throw .refused(text) }
            if text.isEmpty { place = .chunkSize }
        case .chunkSize:
            guard let size = Int(text.prefix { $0 != ";" }, radix: 16) else { throw .malformed }
            place = size == 0 ? .end : .chunk(left: size)
        default: place = .chunkSize
        }
    }

    /// The body's lines run over the ends of chunks.
    private mutating func takeBody(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ events: inout [Event]) {
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                body.append(byte)
                continue
            }
            takeField()
            if body.isEmpty, let event = finish() { events.append(event) }
            body.removeAll(keepingCapacity: true)
        }
    }

    private var body: [UInt8] = []

    private mutating func takeField() {
        if body.starts(with: "id: ".utf8) {
            number = Int64(String(decoding: body.dropFirst(4), as: UTF8.self))
        } else if body.starts(with: "data: ".utf8) {
            data = Array(body.dropFirst(6))
        }
    }

    private mutating func finish() -> Event? {
        defer { (number, data) = (nil, nil) }
        guard let number, let data, let document = try? JSONDocument(parsing: data),
            let order = document.root["orderId"]?.string, let status = document.root["status"]?.string
        else { return nil }
        return Event(number: number, orderID: order, status: status)
    }
}

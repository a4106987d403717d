/// Reads the body of a request, of fixed length or chunked, each byte once.
///
/// Chunk extensions are checked to be printable and dropped, trailer fields are checked like header fields and dropped:
/// neither can change what a request means. Blanks around a chunk's size are a fault.
struct BodyReader: Sendable {
    private enum State: Sendable {
        case fixed(remaining: Int)
        case sizeLine
        case data(remaining: Int)
        case dataEnd
        case trailer
        case done
    }

    private(set) var body: [UInt8] = []
    private var state: State
    /// The line being collected; only lines that the network cut are ever stored.
    private var line: [UInt8] = []
    private var trailerBytes = 0
    private var trailerFields = 0

    init(_ framing: RequestHead.Framing) {
        switch framing {
        case .none: state = .done
        case .fixed(let length):
            state = .fixed(remaining: length)
            // What is announced is not yet sent: room for a short body at once, for a long one as it comes.
            body.reserveCapacity(Swift.min(length, 16 * 1024))
        case .chunked: state = .sizeLine
        }
    }

    var isComplete: Bool {
        if case .done = state { true } else { false }
    }

    /// Reads what belongs to the body and returns how many bytes that was.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, limits: HTTPLimits) throws(HTTPRefusal) -> Int {
        var position = 0
        while position < bytes.count {
            switch state {
            case .done:
                return position
            case .fixed(let remaining):
                let taken = take(remaining, of: bytes, at: &position)
                state = remaining == taken ? .done : .fixed(remaining: remaining - taken)
            case .data(let remaining):
                let taken = take(remaining, of: bytes, at: &position)
                state = remaining == taken ? .dataEnd : .data(remaining: remaining - taken)
            case .dataEnd:
                guard try readLine(bytes, &position, atMost: 2, otherwise: .malformed) else { break }
                guard line.isEmpty else { throw .malformed }
                state = .sizeLine
            case .sizeLine:
                guard try readLine(bytes, &position, atMost: limits.chunkLineBytes, otherwise: .malformed)
                else { break }
                let size = try chunkSize(limits: limits)
                state = size == 0 ? .trailer : .data(remaining: size)
                line.removeAll(keepingCapacity: true)
            case .trailer:
                let room = limits.headBytes - trailerBytes
                guard try readLine(bytes, &position, atMost: room, otherwise: .headTooLarge) else { break }
                try endTrailerLine(limits: limits)
            }
        }
        return position
    }

    private mutating func take(
        _ wanted: Int, of bytes: UnsafeBufferPointer<UInt8>, at position: inout Int
    ) -> Int {
        let taken = Swift.min(wanted, bytes.count - position)
        body.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<(position + taken)]))
        position += taken
        return taken
    }

    /// Collects a line into `line`, without its end; true when the end was reached.
    private mutating func readLine(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int, atMost limit: Int, otherwise refusal: HTTPRefusal
    ) throws(HTTPRefusal) -> Bool {
        let carriageReturn = UInt8(ascii: "\r")
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard line.count < limit else { throw refusal }
            if byte == UInt8(ascii: "\n") {
                guard line.last == carriageReturn else { throw .malformed }
                line.removeLast()
                return true
            }
            guard line.last != carriageReturn, byte.isFieldValueCharacter || byte == carriageReturn
            else { throw .malformed }
            line.append(byte)
        }
        return false
    }

    private func chunkSize(limits: HTTPLimits) throws(HTTPRefusal) -> Int {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard !digits.isEmpty else { throw .malformed }
        var size = 0
        for digit in digits {
            guard let value = digit.hexadecimalValue else { throw .malformed }
            size = Swift.min(size * 16 + Int(value), limits.bodyBytes + 1)
        }
        guard size <= limits.bodyBytes - body.count else { throw .bodyTooLarge }
        return size
    }

    private mutating func endTrailerLine(limits: HTTPLimits) throws(HTTPRefusal) {
        guard !line.isEmpty else {
            state = .done
            return
        }
        guard line.withUnsafeBufferPointer({ FieldLine.colon(in: $0) }) != nil else { throw .malformed }
        trailerBytes += line.count + 2
        trailerFields += 1
        guard trailerFields <= limits.fieldCount, trailerBytes < limits.headBytes else { throw .headTooLarge }
        line.removeAll(keepingCapacity: true)
    }
}

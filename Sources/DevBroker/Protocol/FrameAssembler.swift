/// Cuts what arrives on a connection into requests: four bytes of length, then as many of content.
struct FrameAssembler {
    /// The longest request that is taken. Clients of our kind send at most a megabyte of records at once.
    static let maximumFrame = 16 * 1024 * 1024

    private var bytes: [UInt8] = []
    private var start = 0

    /// Whether a whole request is there, or a length that none can have.
    var hasFrame: Bool {
        guard let length else { return false }
        return !(1...Self.maximumFrame).contains(length) || bytes.count - start - 4 >= length
    }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        if start > 0, start >= bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// Takes the next request out, without its length; nil while it is not complete.
    mutating func next() throws(MalformedRequest) -> [UInt8]? {
        guard let length else { return nil }
        guard (1...Self.maximumFrame).contains(length) else {
            throw MalformedRequest(
                description: "a request claims \(length) bytes, and 1 to \(Self.maximumFrame) are taken")
        }
        let begin = start + 4
        guard bytes.count - begin >= length else { return nil }
        let frame = Array(bytes[begin..<begin + length])
        start = begin + length
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 64 * 1024)
            start = 0
        }
        return frame
    }

    private var length: Int? {
        guard bytes.count - start >= 4 else { return nil }
        return bytes.withUnsafeBytes {
            Int(Int32(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: Int32.self)))
        }
    }
}

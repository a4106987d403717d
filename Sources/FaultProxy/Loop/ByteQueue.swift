/// Bytes in the order in which they came; taking some from the front copies none of the others.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ more: some Collection<UInt8>) {
        // Half of it is gone: making room costs less than was paid for what went.
        if start > 0, start >= bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The first `limit` bytes, or all when there are fewer.
    func withFront<Result>(_ limit: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes[start..<min(bytes.count, start + limit)].withUnsafeBytes(body)
    }

    mutating func drop(_ count: Int) {
        start += count
        guard start >= bytes.count else { return }
        bytes.removeAll(keepingCapacity: bytes.capacity <= 64 * 1024)
        start = 0
    }
}

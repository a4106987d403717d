import Clocks

/// Bytes on their way to the client, with the time the client has to take them.
struct OutputBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    private var start = 0
    private var sent: UInt64 = 0
    /// What had been queued when the deadline was set: once that much is sent, the deadline has been met.
    private var marker: UInt64 = 0
    /// When the client must have taken what waited at the marker; never while nothing waits.
    private(set) var deadline = MonotonicInstant.distantFuture

    /// Beyond this an empty buffer gives its memory back.
    private static let keptCapacity = 16 * 1024

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ content: [UInt8]) {
        bytes.append(contentsOf: content)
    }

    mutating func append(_ content: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: content)
    }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    mutating func append(_ number: Int, radix: Int = 10) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            var rest = number
            repeat {
                position -= 1
                let digit = UInt8(rest % radix)
                digits[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest /= radix
            } while rest > 0
            bytes.append(contentsOf: digits[position...])
        }
    }

    func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Takes note that `count` bytes went out and that the socket takes no more for now if some are left.
    mutating func didSend(_ count: Int, now: MonotonicInstant, timeout: Duration) {
        start += count
        sent += UInt64(count)
        if start == bytes.count {
            start = 0
            deadline = .distantFuture
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
            return
        }
        if deadline == .distantFuture || sent >= marker {
            marker = sent + UInt64(self.count)
            deadline = now.advanced(by: timeout)
        }
    }

    mutating func discard() {
        bytes = []
        start = 0
        deadline = .distantFuture
    }
}

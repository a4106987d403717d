/// A 128-bit identifier (RFC 9562), written in lower case.
public struct UUID: Hashable, Comparable, Sendable {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes, most significant first.
    public let low: UInt64

    /// Creates the identifier with these 128 bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A version 7 identifier: 48 bits of milliseconds, 12 bits of the sub-millisecond fraction (RFC 9562
    /// section 6.2, method 3), then 62 random bits. Identifiers made later sort later, to about a quarter microsecond.
    public static func version7(at time: Timestamp, random: some RandomSource) -> UUID {
        let milliseconds = UInt64(bitPattern: time.milliseconds) & 0xFFFF_FFFF_FFFF
        let fraction = UInt64(time.microseconds - time.milliseconds * 1000) * 4096 / 1000
        return UUID(
            high: milliseconds << 16 | 0x7000 | fraction,
            low: random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Reads the 36-character form, upper or lower case; nil for anything else.
    public init?(_ text: some StringProtocol) {
        // Every message has several: the bytes are read where they lie, by code that is not generic.
        guard let read = text.utf8.withContiguousStorageIfAvailable({ UUID(utf8: $0) }) ?? UUID(copying: text.utf8)
        else { return nil }
        self = read
    }

    private init?(copying text: some Sequence<UInt8>) {
        guard let read = Array(text).withUnsafeBufferPointer({ UUID(utf8: $0) }) else { return nil }
        self = read
    }

    private init?(utf8 text: UnsafeBufferPointer<UInt8>) {
        guard text.count == Self.textLength else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var position = 0
        for byte in text {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let value = Self.nibble(byte), digits < 32 else { return nil }
                if digits < 16 { halves.0 = halves.0 << 4 | value } else { halves.1 = halves.1 << 4 | value }
                digits += 1
            }
            position += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    private static func nibble(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Orders identifiers by their bytes, as Postgres does.
    public static func < (left: UUID, right: UUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UUID: CustomStringConvertible {
    /// The length of the text form in bytes.
    public static let textLength = 36

    /// The 36-character form in lower case.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            write(to: buffer)
            return Self.textLength
        }
    }

    /// Appends the 36-character form without allocating a string.
    public func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.textLength) { buffer in
            write(to: buffer)
            bytes.append(contentsOf: buffer)
        }
    }

    private func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        var position = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                buffer[position] = UInt8(ascii: "-")
                position += 1
            }
            let half = index < 16 ? high : low
            let nibble = UInt8(truncatingIfNeeded: half >> UInt64(60 - index % 16 * 4)) & 0xF
            buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
            position += 1
        }
    }
}

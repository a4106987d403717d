/// A set of characters a string may consist of.
public struct JSONCharacters: Sendable {
    /// Bit n: whether U+00n, below U+0040, belongs to the set.
    private let low: UInt64
    /// The same for U+0040 to U+007F.
    private let high: UInt64
    /// Whether what lies beyond ASCII belongs to the set, but for the control characters up to U+009F.
    private let beyondASCII: Bool
    let isAny: Bool
    /// How an error's detail goes on after the length.
    let suffix: String

    /// Every character.
    public static let any = JSONCharacters(low: .max, high: .max, beyondASCII: true, isAny: true, suffix: "")

    /// Every character but U+0000 to U+001F and U+007F to U+009F.
    public static let withoutControls = JSONCharacters(
        low: ~0xFFFF_FFFF, high: ~(1 << 63), beyondASCII: true, isAny: false, suffix: " without control characters")

    /// ASCII characters and ranges of them as in a regular expression's brackets: `A-Za-z0-9._-`. A hyphen at the end
    /// stands for itself.
    public init(_ set: StaticString) {
        var bits: (low: UInt64, high: UInt64) = (0, 0)
        set.withUTF8Buffer { set in
            var index = 0
            while index < set.count {
                let isRange = index + 2 < set.count && set[index + 1] == UInt8(ascii: "-")
                let last = isRange ? set[index + 2] : set[index]
                precondition(last < 0x80 && set[index] <= last, "a character set is made of ASCII and rising ranges")
                for byte in set[index]...last {
                    if byte < 64 { bits.low |= 1 << UInt64(byte) } else { bits.high |= 1 << UInt64(byte - 64) }
                }
                index += isRange ? 3 : 1
            }
        }
        self.init(
            low: bits.low, high: bits.high, beyondASCII: false, isAny: false, suffix: " of [\(set)]")
    }

    private init(low: UInt64, high: UInt64, beyondASCII: Bool, isAny: Bool, suffix: String) {
        self.low = low
        self.high = high
        self.beyondASCII = beyondASCII
        self.isAny = isAny
        self.suffix = suffix
    }

    /// Whether valid UTF-8 consists of this set and has so many code points.
    func accept(_ text: UnsafeBufferPointer<UInt8>, length: ClosedRange<Int>) -> Bool {
        var count = 0
        for (index, byte) in text.enumerated() {
            if byte < 0x80 {
                guard (byte < 64 ? low >> UInt64(byte) : high >> UInt64(byte - 64)) & 1 == 1 else { return false }
                count += 1
            } else if byte & 0xC0 == 0xC0 {
                guard beyondASCII, isAny || byte != 0xC2 || text[index + 1] > 0x9F else { return false }
                count += 1
            }
        }
        return length.contains(count)
    }
}

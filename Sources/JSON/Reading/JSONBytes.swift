/// The alphabet of JSON strings, shared by reader, views and writer.
enum JSONBytes {
    /// Whether the byte stands for itself inside a string and is ASCII.
    static func isOrdinary(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// Marks, with the top bit of each byte, the quotes, backslashes, controls and bytes beyond ASCII in `word`.
    /// Only the lowest mark is exact: borrows can spoil bytes above it.
    static func specials(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let zeroes = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
        return (zeroes | (word &- ones &* 0x20) | word) & (ones &* 0x80)
    }

    /// What a one-letter escape stands for.
    static func unescaped(_ letter: UInt8) -> Unicode.Scalar? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): Unicode.Scalar(letter)
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }

    static func hexadecimal(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Joins a surrogate pair; nil when the halves are not one.
    static func scalar(high: UInt32, low: UInt32) -> Unicode.Scalar? {
        guard (0xD800..<0xDC00).contains(high), (0xDC00..<0xE000).contains(low) else { return nil }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    }

    /// Appends a string's bytes with its escapes resolved.
    static func appendUnescaped(
        _ string: JSONNode, from source: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]
    ) {
        let slice = UnsafeBufferPointer(rebasing: source[string.range])
        if string.isPlain {
            bytes.append(contentsOf: slice)
        } else {
            forEachUnescaped(slice) { bytes.append($0) }
        }
    }

    /// Hands the bytes of a string's source, which the reader has accepted, to `body` with the escapes resolved.
    static func forEachUnescaped(_ source: UnsafeBufferPointer<UInt8>, _ body: (UInt8) -> Void) {
        var index = 0
        func escape() -> UInt32 {
            var value: UInt32 = 0
            for offset in 2..<6 { value = value << 4 | (hexadecimal(source[index + offset]) ?? 0) }
            index += 6
            return value
        }
        while index < source.count {
            let byte = source[index]
            guard byte == UInt8(ascii: "\\") else {
                body(byte)
                index += 1
                continue
            }
            var scalar = unescaped(source[index + 1])
            if scalar != nil {
                index += 2
            } else {
                let first = escape()
                scalar = Unicode.Scalar(first) ?? self.scalar(high: first, low: escape())
            }
            for unit in UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter { body(unit) }
        }
    }
}

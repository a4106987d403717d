/// Appends JSON text to a byte buffer.
enum JSONText {
    /// Appends `text` as a JSON string, cut at a character boundary to at most `limit` bytes.
    static func append(_ text: String, to bytes: inout [UInt8], limit: Int = .max) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { append($0, to: &bytes, limit: limit) }
        bytes.append(UInt8(ascii: "\""))
    }

    static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8Buffer { append($0, to: &bytes, limit: .max) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends the number; JSON has no infinities and no NaN, so these become strings.
    static func append(_ number: Double, to bytes: inout [UInt8]) {
        if number.isFinite {
            bytes.append(contentsOf: number.description.utf8)
        } else {
            append(number.description, to: &bytes)
        }
    }

    private static func append(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8], limit: Int) {
        var end = text.count
        if end > limit {
            end = limit
            while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        }
        var plainStart = 0
        for index in 0..<end {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else {
                continue
            }
            bytes.append(contentsOf: text[plainStart..<index])
            plainStart = index + 1
            appendEscape(of: byte, to: &bytes)
        }
        bytes.append(contentsOf: text[plainStart..<end])
        if end < text.count { bytes.append(contentsOf: "…".utf8) }
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.appendHexadecimal(byte)
        }
    }
}

extension [UInt8] {
    /// Appends two hexadecimal digits in lower case.
    mutating func appendHexadecimal(_ byte: UInt8) {
        for nibble in [byte >> 4, byte & 0xF] {
            append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }

    /// Appends 16 hexadecimal digits in lower case.
    mutating func appendHexadecimal(_ value: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            appendHexadecimal(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

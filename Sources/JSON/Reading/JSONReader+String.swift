extension JSONReader {
    /// Reads a string from its opening quote to behind its closing one.
    mutating func readString(_ text: borrowing Span<UInt8>) throws(Failure) -> JSONNode {
        position += 1
        let start = position
        var unescapedLength = 0
        var runStart = start
        var isPlain = true
        while true {
            skipOrdinary(text)
            let byte = try peek(text)
            switch byte {
            case UInt8(ascii: "\""):
                let end = position
                position += 1
                return JSONNode(
                    kind: .string, isPlain: isPlain, offset: UInt32(truncatingIfNeeded: start),
                    length: UInt32(truncatingIfNeeded: end - start),
                    count: UInt32(truncatingIfNeeded: unescapedLength + end - runStart))
            case UInt8(ascii: "\\"):
                unescapedLength += position - runStart
                unescapedLength += UTF8.width(try readEscape(text))
                runStart = position
                isPlain = false
            case 0x80...:
                try skipMultibyteSequence(text)
            default:
                throw failure(.controlCharacter(byte))
            }
        }
    }

    /// Moves to the next quote, backslash, control character or byte beyond ASCII, eight bytes at a time.
    private mutating func skipOrdinary(_ text: borrowing Span<UInt8>) {
        let raw = text.bytes
        while position + 8 <= text.count {
            let word = UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
            let special = JSONBytes.specials(in: word)
            guard special == 0 else {
                position += special.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
        while position < text.count, JSONBytes.isOrdinary(text[position]) { position += 1 }
    }

    /// Reads an escape, a surrogate pair included.
    private mutating func readEscape(_ text: borrowing Span<UInt8>) throws(Failure) -> Unicode.Scalar {
        let start = position
        position += 1
        let letter = try peek(text)
        if letter != UInt8(ascii: "u") {
            guard let scalar = JSONBytes.unescaped(letter) else {
                throw Failure(reason: .invalidEscape, offset: start)
            }
            position += 1
            return scalar
        }
        position += 1
        let first = try readHexadecimal(text, escapeStart: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < text.count,
            text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
        else { throw Failure(reason: .loneSurrogate, offset: start) }
        let secondStart = position
        position += 2
        let second = try readHexadecimal(text, escapeStart: secondStart)
        guard let scalar = JSONBytes.scalar(high: first, low: second) else {
            throw Failure(reason: .loneSurrogate, offset: start)
        }
        return scalar
    }

    private mutating func readHexadecimal(
        _ text: borrowing Span<UInt8>, escapeStart: Int
    ) throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = JSONBytes.hexadecimal(try peek(text)) else {
                throw Failure(reason: .invalidEscape, offset: escapeStart)
            }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    /// Checks a sequence of two to four bytes against table 3-7 of the Unicode standard: no overlong form,
    /// no surrogate, nothing beyond U+10FFFF.
    private mutating func skipMultibyteSequence(_ text: borrowing Span<UInt8>) throws(Failure) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch text[position] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw failure(.invalidUTF8)
        }
        guard position + length <= text.count, second.contains(text[position + 1]) else {
            throw failure(.invalidUTF8)
        }
        for index in (position + 2)..<(position + length) where text[index] & 0xC0 != 0x80 {
            throw failure(.invalidUTF8)
        }
        position += length
    }
}

extension JSONReader {
    /// Reads a number's text; its value is worked out only when somebody asks for it.
    mutating func readNumber(_ text: borrowing Span<UInt8>) throws(Failure) -> JSONNode {
        let start = position
        var isInteger = true
        if text[position] == UInt8(ascii: "-") { position += 1 }
        let firstDigit = position
        try skipDigits(text)
        if text[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 {
            throw Failure(reason: .leadingZero, offset: firstDigit)
        }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try skipDigits(text)
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits(text)
        }
        return JSONNode(
            kind: .number, isPlain: isInteger, offset: UInt32(truncatingIfNeeded: start),
            length: UInt32(truncatingIfNeeded: position - start))
    }

    /// Moves behind one digit or more.
    private mutating func skipDigits(_ text: borrowing Span<UInt8>) throws(Failure) {
        let start = position
        while position < text.count, text[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        guard position > start else {
            if position == text.count { throw failure(.unexpectedEnd) }
            throw failure(text[position] == UInt8(ascii: "I") ? .notANumber : .missingDigit)
        }
    }
}

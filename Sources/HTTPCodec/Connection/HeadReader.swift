/// Reads the head of a request, each byte once, in the order of the bytes.
///
/// The first byte or line at fault decides, and nothing behind it is looked at, so that a head means the same
/// however the network cut it. Lines end with CR LF; a lone CR or LF, NUL and any other control byte but a tab are
/// faults. One empty line before the request line is skipped (RFC 9112 section 2.2).
struct HeadReader: Sendable {
    enum Progress {
        case incomplete
        /// The head ended after ``length`` bytes.
        case complete(RequestHead)
    }

    /// How many bytes of the head have been looked at.
    private(set) var length = 0
    private var lineStart = 0
    private var skippedEmptyLine = false
    private var head: RequestHead?

    /// The method once the request line has been read.
    private(set) var method: HTTPMethod?

    /// Looks at the bytes that are new; `bytes` begins with the head's first byte on every call.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, limits: HTTPLimits) throws(HTTPRefusal) -> Progress {
        let carriageReturn = UInt8(ascii: "\r")
        while length < bytes.count {
            guard length < limits.headBytes else { throw head == nil ? .requestLineTooLong : .headTooLarge }
            let byte = bytes[length]
            let followsReturn = length > lineStart && bytes[length - 1] == carriageReturn
            length += 1
            if byte == UInt8(ascii: "\n") {
                guard followsReturn else { throw .malformed }
                let line = UnsafeBufferPointer(rebasing: bytes[lineStart..<(length - 2)])
                lineStart = length
                if let finished = try end(line, limits: limits) { return .complete(finished) }
            } else if followsReturn || !(byte.isFieldValueCharacter || byte == carriageReturn) {
                throw .malformed
            }
        }
        return .incomplete
    }

    /// Takes a line; returns the head when the line was the empty one that ends it.
    private mutating func end(
        _ line: UnsafeBufferPointer<UInt8>, limits: HTTPLimits
    ) throws(HTTPRefusal) -> RequestHead? {
        guard head != nil else {
            if line.isEmpty, !skippedEmptyLine {
                skippedEmptyLine = true
            } else {
                head = try RequestLine.parse(line)
                method = head?.method
            }
            return nil
        }
        if line.isEmpty {
            guard var finished = head.take() else { return nil }
            try HeadRules.apply(to: &finished, limits: limits)
            return finished
        }
        guard let colon = FieldLine.colon(in: line) else { throw .malformed }
        guard head!.fields.count < limits.fieldCount else { throw .headTooLarge }
        head!.fields.appendChecked(line, colon: colon)
        return nil
    }
}

/// The syntax of one header or trailer field.
enum FieldLine {
    /// Where the colon stands; nil unless a token and nothing else, no blank either, stands before it. A folded line
    /// begins with a blank and so has none.
    static func colon(in line: UnsafeBufferPointer<UInt8>) -> Int? {
        var index = 0
        while index < line.count, line[index].isTokenCharacter { index += 1 }
        return index > 0 && index < line.count && line[index] == UInt8(ascii: ":") ? index : nil
    }
}

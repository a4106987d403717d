/// Reads a text onto a tape in one pass without recursion: open containers are linked through their nodes.
///
/// It holds no reference to the text, so each step takes it as a span, and every access is checked against its bounds.
struct JSONReader: ~Copyable {
    /// What is wrong and where; becomes a ``JSONSyntaxError`` once line and column are counted.
    struct Failure: Error {
        var reason: JSONSyntaxError.Reason
        var offset: Int
    }

    private(set) var nodes: [JSONNode] = []
    /// Comparisons of member names so far, for the test that guards against quadratic time.
    var nameComparisons = 0
    var position = 0
    private var depth = 0
    /// The innermost open container.
    private var open = JSONNode.noParent
    private let maximumDepth: Int

    init(maximumDepth: Int, expecting byteCount: Int) {
        self.maximumDepth = maximumDepth
        // One node per eight bytes is usual; a hostile size must not reserve much before the text proves it.
        nodes.reserveCapacity(min(byteCount / 8 + 8, 4096))
    }

    mutating func read(_ text: borrowing Span<UInt8>) throws(Failure) {
        guard text.count < Int(UInt32.max) else { throw Failure(reason: .tooLarge, offset: 0) }
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF {
            throw Failure(reason: .byteOrderMark, offset: 0)
        }
        skipWhitespace(text)
        guard position < text.count else { throw failure(.empty) }
        repeat {
            try readValue(text)
        } while try advance(text)
        skipWhitespace(text)
        guard position == text.count else { throw failure(.trailingBytes) }
    }

    // MARK: Structure

    /// Reads a scalar or an empty container, or opens containers up to the first scalar inside.
    private mutating func readValue(_ text: borrowing Span<UInt8>) throws(Failure) {
        while true {
            switch try peek(text) {
            case UInt8(ascii: "\""):
                append(try readString(text))
                return
            case UInt8(ascii: "{"):
                try openContainer(.object)
                if try peekAfterWhitespace(text) == UInt8(ascii: "}") { return }
                try readName(text)
            case UInt8(ascii: "["):
                try openContainer(.array)
                if try peekAfterWhitespace(text) == UInt8(ascii: "]") { return }
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                append(try readNumber(text))
                return
            case UInt8(ascii: "t"): return try readLiteral("true", .boolean, count: 1, text)
            case UInt8(ascii: "f"): return try readLiteral("false", .boolean, count: 0, text)
            case UInt8(ascii: "n"): return try readLiteral("null", .null, count: 0, text)
            case UInt8(ascii: "N") where starts(with: "NaN", text), UInt8(ascii: "I") where starts(with: "Inf", text):
                throw failure(.notANumber)
            default: throw unexpected(.value, text)
            }
        }
    }

    /// Closes what ends after a value; returns whether another value follows, up to which it has moved.
    private mutating func advance(_ text: borrowing Span<UInt8>) throws(Failure) -> Bool {
        while open != JSONNode.noParent {
            let isObject = nodes[Int(open)].kind == .object
            let byte = try peekAfterWhitespace(text)
            if byte == UInt8(ascii: ",") {
                let comma = position
                position += 1
                let next = try peekAfterWhitespace(text)
                if next == UInt8(ascii: "}") || next == UInt8(ascii: "]") {
                    throw Failure(reason: .trailingComma, offset: comma)
                }
                if isObject { try readName(text) }
                return true
            }
            guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw unexpected(isObject ? .commaOrBrace : .commaOrBracket, text)
            }
            position += 1
            try closeContainer(text)
        }
        return false
    }

    private mutating func openContainer(_ kind: JSONValue.Kind) throws(Failure) {
        guard depth < maximumDepth else { throw failure(.tooDeep(maximum: maximumDepth)) }
        depth += 1
        countInParent()
        nodes.append(JSONNode(kind: kind, isPlain: true, offset: UInt32(truncatingIfNeeded: position), end: open))
        open = UInt32(truncatingIfNeeded: nodes.count - 1)
        position += 1
    }

    private mutating func closeContainer(_ text: borrowing Span<UInt8>) throws(Failure) {
        let index = Int(open)
        let node = nodes[index]
        if node.kind == .object, node.count > 1 { try refuseDuplicateNames(ofObjectAt: index, text) }
        open = node.end
        depth -= 1
        nodes[index].length = UInt32(truncatingIfNeeded: position) - node.offset
        nodes[index].end = UInt32(truncatingIfNeeded: nodes.count)
    }

    private mutating func readName(_ text: borrowing Span<UInt8>) throws(Failure) {
        guard try peek(text) == UInt8(ascii: "\"") else { throw unexpected(.name, text) }
        var name = try readString(text)
        name.end = UInt32(truncatingIfNeeded: nodes.count + 1)
        nodes.append(name)
        guard try peekAfterWhitespace(text) == UInt8(ascii: ":") else { throw unexpected(.colon, text) }
        position += 1
        skipWhitespace(text)
    }

    private mutating func readLiteral(
        _ literal: StaticString, _ kind: JSONValue.Kind, count: UInt32, _ text: borrowing Span<UInt8>
    ) throws(Failure) {
        guard starts(with: literal, text) else { throw unexpected(.value, text) }
        let length = literal.utf8CodeUnitCount
        append(
            JSONNode(
                kind: kind, isPlain: true, offset: UInt32(truncatingIfNeeded: position),
                length: UInt32(truncatingIfNeeded: length), count: count))
        position += length
    }

    private mutating func append(_ scalar: JSONNode) {
        countInParent()
        var node = scalar
        node.end = UInt32(truncatingIfNeeded: nodes.count + 1)
        nodes.append(node)
    }

    private mutating func countInParent() {
        if open != JSONNode.noParent { nodes[Int(open)].count += 1 }
    }

    // MARK: Bytes

    func peek(_ text: borrowing Span<UInt8>) throws(Failure) -> UInt8 {
        guard position < text.count else { throw failure(.unexpectedEnd) }
        return text[position]
    }

    private mutating func peekAfterWhitespace(_ text: borrowing Span<UInt8>) throws(Failure) -> UInt8 {
        skipWhitespace(text)
        return try peek(text)
    }

    private mutating func skipWhitespace(_ text: borrowing Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return
            }
        }
    }

    private func starts(with literal: StaticString, _ text: borrowing Span<UInt8>) -> Bool {
        guard text.count - position >= literal.utf8CodeUnitCount else { return false }
        for index in 0..<literal.utf8CodeUnitCount where text[position + index] != literal.utf8Start[index] {
            return false
        }
        return true
    }

    func failure(_ reason: JSONSyntaxError.Reason) -> Failure {
        Failure(reason: reason, offset: position)
    }

    private func unexpected(_ expected: JSONSyntaxError.Expectation, _ text: borrowing Span<UInt8>) -> Failure {
        failure(.unexpectedByte(text[position], expected: expected))
    }
}

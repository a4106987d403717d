/// A type whose JSON form is a string with a syntax of its own.
public protocol JSONTextDecodable {
    /// What the string must be, for error details, such as `a UUID`.
    static var jsonExpectation: String { get }
    /// Any value: what a decoder goes on with after it has noted a problem.
    static var jsonPlaceholder: Self { get }
    /// Reads the string; nil when it is not what is expected.
    init?(jsonText: String)
}

extension JSONField {
    /// A string of so many Unicode code points out of a set; empty when there is none.
    public func string(length: ClosedRange<Int> = 0...Int.max, matching characters: JSONCharacters = .any) -> String {
        if case .value(let node) = place, context.storage.nodes[node].kind == .string {
            if length == 0...Int.max, characters.isAny { return context.storage.string(at: node) }
            if let text = checkedString(at: node, length, characters) { return text }
        }
        refuse(expecting: Self.describe(length, characters))
        return ""
    }

    private func checkedString(at node: Int, _ length: ClosedRange<Int>, _ characters: JSONCharacters) -> String? {
        let storage = context.storage
        let string = storage.nodes[node]
        // A code point has at most four bytes: what is far too long need not be read.
        guard Int(string.count) / 4 <= length.upperBound else { return nil }
        guard string.isPlain else {
            let text = storage.string(at: node)
            var copy = text
            return copy.withUTF8 { characters.accept($0, length: length) } ? text : nil
        }
        return storage.bytes.withUnsafeBufferPointer { bytes in
            let source = UnsafeBufferPointer(rebasing: bytes[string.range])
            return characters.accept(source, length: length) ? String(decoding: source, as: UTF8.self) : nil
        }
    }

    /// A string in the syntax of a type; its placeholder when there is none.
    public func text<Value: JSONTextDecodable>(_ type: Value.Type = Value.self) -> Value {
        if case .value(let node) = place, context.storage.nodes[node].kind == .string,
            let value = Value(jsonText: context.storage.string(at: node))
        {
            return value
        }
        refuse(expecting: Value.jsonExpectation)
        return Value.jsonPlaceholder
    }

    /// A string that is the raw value of one of a type's cases; its first case when there is none.
    @inlinable
    public func oneOf<Value: RawRepresentable & CaseIterable>(_ type: Value.Type = Value.self) -> Value
    where Value.RawValue == String {
        if let text = unnotedString(), let value = Value(rawValue: text) { return value }
        refuse(expecting: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        return Value.allCases.first!
    }

    @usableFromInline
    func unnotedString() -> String? {
        guard case .value(let node) = place, context.storage.nodes[node].kind == .string else { return nil }
        return context.storage.string(at: node)
    }

    private static func describe(_ length: ClosedRange<Int>, _ characters: JSONCharacters) -> String {
        if length == 0...Int.max { return "a string\(characters.suffix)" }
        return "a string of \(describe(length, "character"))\(characters.suffix)"
    }
}

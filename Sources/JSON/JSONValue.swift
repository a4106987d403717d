/// A view of one value of a document: a reference and an index, cheap to copy and pass.
///
/// Reading a value as what it is not gives nil. Nothing is converted: `"1"` is no number and `1.0` no integer.
public struct JSONValue: Sendable {
    @usableFromInline let storage: JSONStorage
    @usableFromInline let index: Int

    /// What a value can be.
    public enum Kind: UInt8, Sendable {
        /// `null`
        case null
        /// `true` or `false`
        case boolean
        /// A number of any form.
        case number
        /// A string.
        case string
        /// An array.
        case array
        /// An object.
        case object
    }

    init(storage: JSONStorage, index: Int) {
        self.storage = storage
        self.index = index
    }

    /// What the value is.
    public var kind: Kind { storage.nodes[index].kind }

    /// Whether the value is `null`.
    public var isNull: Bool { kind == .null }

    /// The boolean.
    public var bool: Bool? {
        let node = storage.nodes[index]
        return node.kind == .boolean ? node.count == 1 : nil
    }

    /// The string, escapes resolved.
    public var string: String? {
        kind == .string ? storage.string(at: index) : nil
    }

    /// The integer; nil for a number with fraction or exponent and for one that 64 bits do not hold.
    public var int64: Int64? {
        storage.integer(at: index)
    }

    /// Whether the value is a number without fraction and exponent, of whatever size.
    public var isInteger: Bool {
        let node = storage.nodes[index]
        return node.kind == .number && node.isPlain
    }

    /// The nearest floating-point number; nil for a number beyond its range.
    public var double: Double? {
        guard let text = numberText, let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The number as it is written.
    public var numberText: String? {
        kind == .number ? storage.text(storage.nodes[index].range) : nil
    }

    /// The value's own source text, byte for byte.
    public var source: ArraySlice<UInt8> {
        let node = storage.nodes[index]
        guard node.kind == .string else { return storage.bytes[node.range] }
        return storage.bytes[node.range.lowerBound - 1..<node.range.upperBound + 1]
    }

    /// The number of elements or members; 0 for a scalar.
    public var count: Int {
        let node = storage.nodes[index]
        return node.kind == .array || node.kind == .object ? Int(node.count) : 0
    }

    /// The member with this name; nil when there is none or the value is no object. Takes time in proportion to the
    /// number of members.
    public subscript(_ name: StaticString) -> JSONValue? {
        name.withUTF8Buffer { storage.member(named: $0, ofObjectAt: index) }
            .map { JSONValue(storage: storage, index: $0) }
    }

    /// The member with this name, for names that are not known at compile time.
    public func member(named name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { storage.member(named: $0, ofObjectAt: index) }
            .map { JSONValue(storage: storage, index: $0) }
    }
}

extension JSONStorage {
    func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[range]), as: UTF8.self) }
    }

    func string(at index: Int) -> String {
        let node = nodes[index]
        if node.isPlain { return text(node.range) }
        return bytes.withUnsafeBufferPointer { bytes in
            String(unsafeUninitializedCapacity: Int(node.count)) { buffer in
                var count = 0
                JSONBytes.forEachUnescaped(UnsafeBufferPointer(rebasing: bytes[node.range])) {
                    buffer[count] = $0
                    count += 1
                }
                return count
            }
        }
    }

    func integer(at index: Int) -> Int64? {
        let node = nodes[index]
        guard node.kind == .number, node.isPlain else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            let digits = bytes[node.range]
            let isNegative = digits.first == UInt8(ascii: "-")
            var value: Int64 = 0
            // Summed up below zero, where there is room for one more than above.
            for byte in isNegative ? digits.dropFirst() : digits {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.subtractingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
                guard !overflow, !carry else { return nil }
                value = sum
            }
            if isNegative { return value }
            return value == .min ? nil : -value
        }
    }

    /// The node of a member's value.
    func member(named name: UnsafeBufferPointer<UInt8>, ofObjectAt index: Int) -> Int? {
        guard nodes[index].kind == .object else { return nil }
        var node = index + 1
        for _ in 0..<nodes[index].count {
            if isName(at: node, name) { return node + 1 }
            node = Int(nodes[node + 1].end)
        }
        return nil
    }

    /// Whether the name at this node, unescaped, has just these bytes.
    func isName(at index: Int, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let node = nodes[index]
        guard Int(node.count) == name.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            let source = UnsafeBufferPointer(rebasing: bytes[node.range])
            var isEqual = true
            if node.isPlain {
                for position in 0..<name.count where source[position] != name[position] { return false }
            } else {
                var position = 0
                JSONBytes.forEachUnescaped(source) {
                    isEqual = isEqual && name[position] == $0
                    position += 1
                }
            }
            return isEqual
        }
    }
}

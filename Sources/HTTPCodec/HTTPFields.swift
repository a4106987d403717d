/// Header fields in the order they were sent or added; names compare without regard to ASCII case.
///
/// All text lies in one byte buffer, so a parsed head costs two allocations however many fields it has. A lookup walks
/// the list, which for the dozen fields of a request is cheaper than hashing.
package struct HTTPFields: Sendable {
    private struct Entry: Sendable {
        var nameStart: Int32
        var nameEnd: Int32
        var valueStart: Int32
        var valueEnd: Int32
    }

    private var bytes: [UInt8]
    private var entries: [Entry]

    /// Creates an empty list.
    package init() {
        bytes = []
        entries = []
    }

    /// Creates an empty list with room for `count` fields of together `byteCount` bytes.
    package init(reservingFields count: Int, bytes byteCount: Int) {
        self.init()
        entries.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// The number of fields; a repeated name counts each time.
    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    /// Adds a field behind the others, also when one of that name is there.
    ///
    /// A control character in the value becomes a blank, so that no value can end its line (RFC 9110 section 5.5); blanks
    /// around it are dropped. A name that is no token is not added.
    /// - Returns: whether the field was added.
    @discardableResult
    package mutating func append(_ name: String, _ value: String) -> Bool {
        var name = name
        var value = value
        return name.withUTF8 { name in value.withUTF8 { value in append(name, value) } }
    }

    @discardableResult
    package mutating func append(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !name.isEmpty, name.allSatisfy(\.isTokenCharacter) else { return false }
        var first = 0
        var last = value.count
        while first < last, value[first] <= 0x20 { first += 1 }
        while last > first, value[last - 1] <= 0x20 { last -= 1 }
        let nameStart = Int32(bytes.count)
        bytes.append(contentsOf: name)
        let valueStart = Int32(bytes.count)
        for index in first..<last {
            bytes.append(value[index].isFieldValueCharacter ? value[index] : UInt8(ascii: " "))
        }
        entries.append(
            Entry(nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart, valueEnd: Int32(bytes.count)))
        return true
    }

    /// Adds a field from its line, whose syntax has been checked.
    mutating func appendChecked(_ line: UnsafeBufferPointer<UInt8>, colon: Int) {
        let value = UnsafeBufferPointer(rebasing: line[(colon + 1)...]).trimmingBlanks
        let nameStart = Int32(bytes.count)
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: line[..<colon]))
        let valueStart = Int32(bytes.count)
        bytes.append(contentsOf: value)
        entries.append(
            Entry(nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart, valueEnd: Int32(bytes.count)))
    }

    /// Replaces every field of that name by one.
    package mutating func set(_ name: String, _ value: String) {
        remove(name)
        append(name, value)
    }

    /// Removes every field of that name.
    package mutating func remove(_ name: String) {
        guard contains(name) else { return }
        var kept = HTTPFields(reservingFields: entries.count, bytes: bytes.count)
        withName(name) { wanted in
            bytes.withUnsafeBufferPointer { text in
                for entry in entries where !Self.matches(text, entry, wanted) {
                    kept.append(Self.name(text, entry), Self.value(text, entry))
                }
            }
        }
        self = kept
    }

    /// The first value of that name; setting replaces all, nil removes all.
    package subscript(name: String) -> String? {
        get {
            withName(name) { wanted in
                bytes.withUnsafeBufferPointer { text in
                    for entry in entries where Self.matches(text, entry, wanted) {
                        return String(decoding: Self.value(text, entry), as: UTF8.self)
                    }
                    return nil
                }
            }
        }
        set {
            if let newValue { set(name, newValue) } else { remove(name) }
        }
    }

    /// All values of that name, in order.
    package func values(_ name: String) -> [String] {
        withName(name) { wanted in
            bytes.withUnsafeBufferPointer { text in
                entries.lazy.filter { Self.matches(text, $0, wanted) }
                    .map { String(decoding: Self.value(text, $0), as: UTF8.self) }
            }
        }
    }

    /// How many fields have that name.
    package func count(of name: String) -> Int {
        withName(name) { wanted in
            bytes.withUnsafeBufferPointer { text in
                var found = 0
                for entry in entries where Self.matches(text, entry, wanted) { found += 1 }
                return found
            }
        }
    }

    package func contains(_ name: String) -> Bool { count(of: name) > 0 }

    /// Calls `body` with name and value of each field, in order; the buffers live only during the call.
    package func forEach(_ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { text in
            for entry in entries { body(Self.name(text, entry), Self.value(text, entry)) }
        }
    }

    private func withName<Result>(_ name: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        var name = name
        return name.withUTF8(body)
    }

    private typealias Text = UnsafeBufferPointer<UInt8>

    private static func name(_ text: Text, _ entry: Entry) -> Text {
        Text(rebasing: text[Int(entry.nameStart)..<Int(entry.nameEnd)])
    }

    private static func value(_ text: Text, _ entry: Entry) -> Text {
        Text(rebasing: text[Int(entry.valueStart)..<Int(entry.valueEnd)])
    }

    private static func matches(_ text: Text, _ entry: Entry, _ wanted: Text) -> Bool {
        guard Int(entry.nameEnd - entry.nameStart) == wanted.count else { return false }
        var index = Int(entry.nameStart)
        for byte in wanted {
            guard text[index].asciiLowercased == byte.asciiLowercased else { return false }
            index += 1
        }
        return true
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }
}

extension HTTPFields: Sequence {
    package typealias Element = (name: String, value: String)

    package func makeIterator() -> IndexingIterator<[Element]> {
        var elements: [Element] = []
        forEach { name, value in
            elements.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return elements.makeIterator()
    }
}

extension HTTPFields: CustomStringConvertible {
    package var description: String { map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}

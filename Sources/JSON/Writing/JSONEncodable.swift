/// A type that writes itself as one JSON value.
public protocol JSONEncodable {
    /// Writes exactly one value.
    func encode(to json: inout JSONWriter)
}

/// A type whose JSON form is a string that it can append byte by byte.
public protocol JSONTextEncodable: JSONEncodable {
    /// Appends the text: printable ASCII without quote and backslash.
    func append(to bytes: inout [UInt8])
}

extension JSONTextEncodable {
    /// Writes the text in quotes.
    @inlinable
    public func encode(to json: inout JSONWriter) {
        json.quoted { append(to: &$0) }
    }
}

extension JSONEncodable where Self: RawRepresentable, RawValue == String {
    /// Writes the raw value.
    @inlinable
    public func encode(to json: inout JSONWriter) {
        json.string(rawValue)
    }
}

extension JSONWriter {
    /// Writes a value.
    @inlinable
    public mutating func value(_ value: some JSONEncodable) {
        value.encode(to: &self)
    }

    /// Writes a member.
    @inlinable
    public mutating func member(_ name: StaticString, _ value: some JSONEncodable) {
        self.name(name)
        value.encode(to: &self)
    }

    /// Writes a member whose value is an object.
    @inlinable
    public mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        object(body)
    }

    /// Writes a member whose value is an array.
    @inlinable
    public mutating func array(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        array(body)
    }

    /// Writes a member whose value is an array with one value, written by `body`, for each element.
    @inlinable
    public mutating func array<Elements: Sequence>(
        _ name: StaticString, _ elements: Elements, _ body: (inout JSONWriter, Elements.Element) -> Void
    ) {
        self.name(name)
        array(elements, body)
    }

    /// Writes a member whose value is JSON already; it is not looked at.
    @inlinable
    public mutating func raw(_ name: StaticString, _ json: some Collection<UInt8>) {
        self.name(name)
        raw(json)
    }
}

extension String: JSONEncodable {
    /// Writes the string.
    @inlinable
    public func encode(to json: inout JSONWriter) { json.string(self) }
}

extension Bool: JSONEncodable {
    /// Writes `true` or `false`.
    @inlinable
    public func encode(to json: inout JSONWriter) { json.boolean(self) }
}

extension Double: JSONEncodable {
    /// Writes the number; `null` for NaN and the infinities.
    @inlinable
    public func encode(to json: inout JSONWriter) { json.number(self) }
}

extension FixedWidthInteger where Self: JSONEncodable {
    /// Writes the integer.
    @inlinable
    public func encode(to json: inout JSONWriter) { json.integer(self) }
}

extension Int: JSONEncodable {}
extension Int32: JSONEncodable {}
extension Int64: JSONEncodable {}
extension UInt16: JSONEncodable {}
extension UInt32: JSONEncodable {}
extension UInt64: JSONEncodable {}

extension Optional: JSONEncodable where Wrapped: JSONEncodable {
    /// Writes the value, or `null` when there is none.
    @inlinable
    public func encode(to json: inout JSONWriter) {
        if let self { self.encode(to: &json) } else { json.null() }
    }
}

extension Array: JSONEncodable where Element: JSONEncodable {
    /// Writes an array of the elements.
    @inlinable
    public func encode(to json: inout JSONWriter) {
        json.array(self) { $1.encode(to: &$0) }
    }
}

extension JSONValue: JSONEncodable {
    /// Writes the value's source text.
    public func encode(to json: inout JSONWriter) { json.raw(source) }
}

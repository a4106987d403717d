/// Required members, read in one call. Optional ones read as `object.optional("note")?.string(length: 0...200)`.
extension JSONObjectDecoder {
    /// A member of any type; nil, having noted it, when it is missing.
    public mutating func any(_ name: StaticString) -> JSONValue? {
        required(name).any()
    }

    /// A boolean member.
    public mutating func boolean(_ name: StaticString) -> Bool {
        required(name).boolean()
    }

    /// An integer member in a range.
    @inlinable
    public mutating func integer<Integer: FixedWidthInteger>(
        _ name: StaticString, in range: ClosedRange<Integer>
    ) -> Integer {
        required(name).integer(in: range)
    }

    /// A number member in a range.
    public mutating func number(_ name: StaticString, in range: ClosedRange<Double>) -> Double {
        required(name).number(in: range)
    }

    /// A string member of so many Unicode code points out of a set.
    public mutating func string(
        _ name: StaticString, length: ClosedRange<Int> = 0...Int.max, matching characters: JSONCharacters = .any
    ) -> String {
        required(name).string(length: length, matching: characters)
    }

    /// A string member in the syntax of a type.
    public mutating func text<Value: JSONTextDecodable>(
        _ name: StaticString, _ type: Value.Type = Value.self
    ) -> Value {
        required(name).text(type)
    }

    /// A string member that is the raw value of one of a type's cases.
    @inlinable
    public mutating func oneOf<Value: RawRepresentable & CaseIterable>(
        _ name: StaticString, _ type: Value.Type = Value.self
    ) -> Value where Value.RawValue == String {
        required(name).oneOf(type)
    }

    /// An object member, read by `body`, which also runs when there is none.
    @inlinable
    public mutating func object<Value>(
        _ name: StaticString, _ body: (inout JSONObjectDecoder) -> Value
    ) -> Value {
        required(name).object(body)
    }

    /// An array member with so many elements, each read by `element`.
    @inlinable
    public mutating func array<Element>(
        _ name: StaticString, count: ClosedRange<Int> = 0...Int.max, _ element: (JSONField) -> Element
    ) -> [Element] {
        required(name).array(count: count, element)
    }

    /// An array member with so many objects, each read by `body`.
    @inlinable
    public mutating func objects<Element>(
        _ name: StaticString, count: ClosedRange<Int> = 0...Int.max, _ body: (inout JSONObjectDecoder) -> Element
    ) -> [Element] {
        required(name).objects(count: count, body)
    }
}

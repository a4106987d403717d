extension JSONField {
    /// An object, read by `body`, which also runs when there is none: every field it asks for is then a placeholder.
    @inlinable
    public func object<Value>(_ body: (inout JSONObjectDecoder) -> Value) -> Value {
        var decoder = objectDecoder()
        let value = body(&decoder)
        decoder.finish()
        return value
    }

    /// An array with so many elements, each read by `element`; empty when there is none or it is too long.
    @inlinable
    public func array<Element>(
        count: ClosedRange<Int> = 0...Int.max, _ element: (JSONField) -> Element
    ) -> [Element] {
        var cursor = arrayCursor(count: count)
        var elements: [Element] = []
        elements.reserveCapacity(cursor.remaining)
        while let field = cursor.next() { elements.append(element(field)) }
        return elements
    }

    /// An array with so many objects, each read by `body`; empty when there is none or it is too long.
    @inlinable
    public func objects<Element>(
        count: ClosedRange<Int> = 0...Int.max, _ body: (inout JSONObjectDecoder) -> Element
    ) -> [Element] {
        array(count: count) { $0.object(body) }
    }

    @usableFromInline
    func objectDecoder() -> JSONObjectDecoder {
        if case .value(let node) = place, context.storage.nodes[node].kind == .object {
            return JSONObjectDecoder(context: context, node: node)
        }
        refuse(expecting: "an object")
        return JSONObjectDecoder(context: context, node: nil)
    }

    @usableFromInline
    func arrayCursor(count: ClosedRange<Int>) -> ArrayCursor {
        guard case .value(let node) = place, context.storage.nodes[node].kind == .array else {
            refuse(expecting: Self.describe(count))
            return ArrayCursor(context: context, node: 0, remaining: 0)
        }
        let actual = Int(context.storage.nodes[node].count)
        if !count.contains(actual) { refuse(expecting: Self.describe(count)) }
        return ArrayCursor(context: context, node: node + 1, remaining: actual > count.upperBound ? 0 : actual)
    }

    private static func describe(_ count: ClosedRange<Int>) -> String {
        if count == 0...Int.max { return "an array" }
        return "an array of \(describe(count, "element"))"
    }

    /// A range of counts in words, such as `1 to 100 elements`.
    static func describe(_ count: ClosedRange<Int>, _ unit: String) -> String {
        switch (count.lowerBound, count.upperBound) {
        case (1, 1): "1 \(unit)"
        case (let lower, .max): "at least \(lower) \(unit)s"
        case (0, let upper): "at most \(upper) \(unit)s"
        case (let lower, let upper): lower == upper ? "\(lower) \(unit)s" : "\(lower) to \(upper) \(unit)s"
        }
    }

    /// Steps through an array's elements.
    @usableFromInline
    struct ArrayCursor {
        let context: JSONDecodingContext
        var node: Int
        @usableFromInline var remaining: Int

        @usableFromInline
        mutating func next() -> JSONField? {
            guard remaining > 0 else { return nil }
            defer { node = Int(context.storage.nodes[node].end) }
            remaining -= 1
            return JSONField(context: context, place: .value(node))
        }
    }
}

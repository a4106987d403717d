extension JSONDocument {
    /// Decodes the top-level object by hand-written code and collects everything that is wrong in one pass.
    ///
    /// ```swift
    /// let identifier = JSONCharacters("A-Za-z0-9._:-")
    /// let order = try document.decode { order in
    ///     NewOrder(
    ///         customerId: order.string("customerId", length: 1...64, matching: identifier),
    ///         lines: order.objects("lines", count: 1...100) { line in
    ///             NewLine(sku: line.string("sku", length: 1...64), quantity: line.integer("quantity", in: 1...1000))
    ///         },
    ///         note: order.optional("note")?.string(length: 0...200))
    /// }
    /// ```
    ///
    /// The body runs to its end whatever the document holds: a field that is missing or wrong is noted and reads as a
    /// placeholder (the lower bound, an empty string, the first case). The result is returned only when nothing was
    /// noted, so no placeholder gets out; but the body must not trap on one.
    ///
    /// - Parameters:
    ///   - unknownMembers: What becomes of members the body does not ask for.
    ///   - maximumProblems: How many problems are listed before the rest is left out.
    ///   - body: Reads the members and makes the result of them.
    /// - Returns: The body's result.
    /// - Throws: ``JSONError/invalid(_:)`` with the problems, in the order of the code that reads the fields.
    @inlinable
    public func decode<Value>(
        unknownMembers: JSONUnknownMembers = .refused, maximumProblems: Int = 20,
        _ body: (inout JSONObjectDecoder) -> Value
    ) throws(JSONError) -> Value {
        try root.decode(unknownMembers: unknownMembers, maximumProblems: maximumProblems, body)
    }
}

extension JSONValue {
    /// Decodes this value, which must be an object, as ``JSONDocument/decode(unknownMembers:maximumProblems:_:)`` does;
    /// pointers begin at the document's root.
    ///
    /// - Throws: ``JSONError/invalid(_:)`` with the problems.
    @inlinable
    public func decode<Value>(
        unknownMembers: JSONUnknownMembers = .refused, maximumProblems: Int = 20,
        _ body: (inout JSONObjectDecoder) -> Value
    ) throws(JSONError) -> Value {
        let field = field(unknownMembers: unknownMembers, maximumProblems: maximumProblems)
        let value = field.object(body)
        try field.throwProblems()
        return value
    }

    /// This value as the root field of a new decoding.
    @usableFromInline
    func field(unknownMembers: JSONUnknownMembers, maximumProblems: Int) -> JSONField {
        let context = JSONDecodingContext(
            storage: storage, unknownMembers: unknownMembers, maximumProblems: max(1, maximumProblems))
        return JSONField(context: context, place: .value(index))
    }
}

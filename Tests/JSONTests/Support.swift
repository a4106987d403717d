import JSON

/// The document in `text`, or the error that refuses it.
func read(_ text: String, maximumDepth: Int = 32) throws(JSONError) -> JSONValue {
    try JSONDocument(parsing: Array(text.utf8), maximumDepth: maximumDepth).root
}

/// Why `bytes` are refused; nil when they are not.
func refusal(of bytes: [UInt8], maximumDepth: Int = 32) -> JSONSyntaxError? {
    do {
        _ = try JSONDocument(parsing: bytes, maximumDepth: maximumDepth)
        return nil
    } catch {
        guard case .malformed(let error) = error else { return nil }
        return error
    }
}

func refusal(of text: String, maximumDepth: Int = 32) -> JSONSyntaxError? {
    refusal(of: Array(text.utf8), maximumDepth: maximumDepth)
}

/// The problems found by decoding `text`, as `pointer: detail`.
func problems<Value>(
    in text: String, unknownMembers: JSONUnknownMembers = .refused, maximumProblems: Int = 20,
    _ body: (inout JSONObjectDecoder) -> Value
) throws -> [String] {
    do {
        _ = try read(text).decode(unknownMembers: unknownMembers, maximumProblems: maximumProblems, body)
        return []
    } catch {
        guard case JSONError.invalid(let problems) = error else { throw error }
        return problems.map(\.description)
    }
}

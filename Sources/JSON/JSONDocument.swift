/// A JSON text that has been read and found well-formed.
///
/// Reading is strict. Refused, with line and column: everything RFC 8259 does not allow, invalid UTF-8, lone
/// surrogates, a byte order mark, bytes after the value, duplicate member names and nesting beyond a limit.
/// The document shares the bytes it was read from; values are views into it and cost no memory of their own.
public struct JSONDocument: Sendable {
    /// How deeply containers may nest unless the caller says otherwise.
    public static let defaultMaximumDepth = 32

    /// The document's single value.
    public let root: JSONValue

    /// Reads `bytes` in time proportional to their number (times its logarithm for objects with many members).
    ///
    /// - Parameters:
    ///   - bytes: The UTF-8 text.
    ///   - maximumDepth: How many containers may be open at once, from 0 to 512; a scalar has depth 0.
    /// - Throws: ``JSONError/malformed(_:)`` with the first place that is wrong.
    public init(parsing bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth) throws(JSONError) {
        precondition((0...512).contains(maximumDepth), "a JSON document's maximum depth is from 0 to 512")
        var reader = JSONReader(maximumDepth: maximumDepth, expecting: bytes.count)
        do {
            try reader.read(bytes.span)
        } catch {
            throw .malformed(JSONSyntaxError(error.reason, at: error.offset, in: bytes))
        }
        root = JSONValue(storage: JSONStorage(bytes: bytes, nodes: reader.nodes), index: 0)
    }
}

/// The source and the tape, shared by all views of a document.
@usableFromInline
final class JSONStorage: Sendable {
    let bytes: [UInt8]
    let nodes: [JSONNode]

    init(bytes: [UInt8], nodes: [JSONNode]) {
        self.bytes = bytes
        self.nodes = nodes
    }
}

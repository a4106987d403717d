/// One value or member name on the tape; a container is followed by its contents, a name by its value.
///
/// Positions are 32 bits wide, which keeps a node at 20 bytes and bounds a document at 4 GiB.
struct JSONNode {
    /// What the node is; a member name is a string.
    var kind: JSONValue.Kind
    /// String: its source has no escape. Number: it has neither fraction nor exponent.
    var isPlain: Bool
    /// First byte in the source; for a string, the one after the opening quote.
    var offset: UInt32
    /// Bytes in the source; for a string, without its quotes.
    var length: UInt32 = 0
    /// Container: number of elements or members. String: length in bytes once unescaped. Boolean: 1 for true.
    var count: UInt32 = 0
    /// Index of the node after this one and all it contains. While a container is being read: its parent's index.
    var end: UInt32 = 0

    /// The value of `end` in an open container that has no parent.
    static let noParent = UInt32.max

    /// Where the node's text lies in the source.
    var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }
}

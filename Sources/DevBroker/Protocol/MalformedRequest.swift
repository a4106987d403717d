/// A request that does not follow the protocol, or not one this broker knows; its connection is closed.
struct MalformedRequest: Error, Hashable, CustomStringConvertible {
    /// One clause: what is wrong, and where.
    let description: String
}

/// What a token lets its owner do; the words of its `scope` claim. Other words mean nothing here.
package enum Scope: String, CaseIterable, Sendable, Hashable {
    /// See one's own orders.
    case ordersRead = "orders:read"
    /// Place and cancel orders of one's own.
    case ordersWrite = "orders:write"
    /// Act for every customer, and read what the services tell each other.
    case service
    /// Everything, the admin port included.
    case `operator`

    /// Reads the claim: words with blanks between them (RFC 8693 section 4.2).
    static func read(_ claim: String) -> Set<Scope> {
        Set(claim.split(separator: " ").compactMap { Scope(rawValue: String($0)) })
    }
}

/// Who may call a route. Each route says so where it is added: there is no default.
package enum Access: Sendable, Hashable {
    /// Whoever comes; no token is looked at. For probes, and for calls that prove themselves in another way.
    case everyone
    /// Whoever has a valid token, whatever its scopes.
    case anyClient
    /// Customers whose token has the scope; the handler keeps them to what is their own, see ``Principal/confinedTo``.
    /// Services and operators too, for every customer.
    case customers(Scope)
    /// The other services, and operators.
    case services
    /// Operators alone.
    case operators

    /// The scope of which a client is told when it lacks all that would do; nil when none is needed.
    package var scope: Scope? {
        switch self {
        case .everyone, .anyClient: nil
        case .customers(let scope): scope
        case .services: .service
        case .operators: .operator
        }
    }

    /// Whether a client with these scopes may call. An operator may do all that a service may, and a service all that any
    /// customer may.
    func isGranted(to scopes: Set<Scope>) -> Bool {
        switch self {
        case .everyone, .anyClient: true
        case .customers(let scope): !scopes.isDisjoint(with: [scope, .service, .operator])
        case .services: !scopes.isDisjoint(with: [.service, .operator])
        case .operators: scopes.contains(.operator)
        }
    }
}

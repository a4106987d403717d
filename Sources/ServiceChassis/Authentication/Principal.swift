/// Who calls, as far as the service knows.
package enum Principal: Sendable, Hashable {
    /// `AUTH=off`: nobody is asked, and everybody may do everything.
    case everybody
    /// A route for everyone: no token was looked at.
    case nobody
    /// The owner of a token that was found valid; `id` is its `sub`.
    case client(id: String, scopes: Set<Scope>)

    /// The client's name, for limits and idempotency keys of its own; nil where nobody is known.
    package var clientID: String? {
        if case .client(let id, _) = self { id } else { nil }
    }

    /// The one customer whose orders may be seen and placed; nil when that is every customer's.
    package var confinedTo: String? {
        switch self {
        case .everybody: nil
        // No customer's name is empty: nobody's orders.
        case .nobody: ""
        case .client(let id, let scopes): scopes.isDisjoint(with: [.service, .operator]) ? id : nil
        }
    }

    /// Whether what belongs to this customer may be seen and changed.
    package func mayAct(for customerID: String) -> Bool {
        confinedTo.map { $0 == customerID } ?? true
    }

    /// Whose idempotency keys the caller's are: each client has its own, and those whom nobody knows share one scope.
    var idempotencyScope: String {
        clientID.map { "client:" + $0 } ?? IdempotencyKey.sharedScope
    }
}

import HTTPCodec

/// Why a request does not reach its handler.
enum AccessDenial: Error, Sendable, Hashable {
    /// It brings no token.
    case noToken
    case badToken(TokenRefusal)
    /// Its token is good, and does not suffice.
    case missingScope(Scope)
    /// The keys that would tell have not been loaded yet.
    case keysUnavailable

    private static let realm = "Bearer realm=\"holdfast\""

    /// The value of `WWW-Authenticate` (RFC 6750 section 3); nil where a token would not help.
    var challenge: String? {
        switch self {
        case .noToken: Self.realm
        case .badToken: Self.realm + ", error=\"invalid_token\""
        case .missingScope(let scope): Self.realm + ", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
        case .keysUnavailable: nil
        }
    }

    /// The kind in a metric's label.
    var label: String {
        switch self {
        case .noToken: "no-token"
        case .badToken(let refusal): refusal.label
        case .missingScope: "missing-scope"
        case .keysUnavailable: "keys-unavailable"
        }
    }
}

extension AccessDenial: ProblemConvertible {
    /// What the caller is told: never what is wrong with a token, which would help those who try.
    var problem: ProblemDetails {
        switch self {
        case .noToken: ProblemDetails(.unauthenticated, detail: "Send a token in the header Authorization: Bearer.")
        case .badToken: ProblemDetails(.unauthenticated, detail: "The token is not valid.")
        case .missingScope(let scope):
            ProblemDetails(.forbidden, detail: "The token does not have the scope \(scope.rawValue).")
        case .keysUnavailable:
            ProblemDetails(.dependencyUnavailable, detail: "The keys that verify tokens are not available.")
        }
    }
}

extension AccessDenial: CustomStringConvertible {
    var description: String {
        switch self {
        case .noToken: "there is no bearer token"
        case .badToken(let refusal): refusal.description
        case .missingScope(let scope): "the token does not have the scope \(scope.rawValue)"
        case .keysUnavailable: "the keys that verify tokens have not been loaded yet"
        }
    }
}

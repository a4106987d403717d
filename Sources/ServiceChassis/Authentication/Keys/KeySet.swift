/// The keys that verify tokens at one moment.
struct KeySet: Sendable {
    private let keys: [TokenKey]

    init(_ keys: [TokenKey]) {
        self.keys = keys
    }

    var count: Int { keys.count }

    /// The keys that may have signed the token, at least one.
    ///
    /// Secrets have no names: a token by HS256 is tried with each. Of public keys the one that `kid` names is meant; a token
    /// without `kid` is accepted only when there is no choice.
    func candidates(for token: JSONWebToken) throws(TokenRefusal) -> [TokenKey] {
        let fitting = keys.filter { $0.algorithm == token.algorithm }
        guard !fitting.isEmpty else {
            let mayBeNew = token.algorithm != .hs256 && isUnknown(token.keyID)
            throw .unknownKey("there is no key for \(token.algorithm.rawValue)", mayBeNew: mayBeNew)
        }
        guard token.algorithm != .hs256 else { return fitting }
        guard let id = token.keyID else {
            guard fitting.count == 1 else {
                throw .unknownKey("it has no kid, and there are \(fitting.count) keys", mayBeNew: false)
            }
            return fitting
        }
        let named = fitting.filter { $0.id == id }
        guard !named.isEmpty else {
            throw .unknownKey("its kid is \(TokenRefusal.quoted(id))", mayBeNew: isUnknown(id))
        }
        return named
    }

    /// Whether no key has this name, so that a newer set may have one.
    private func isUnknown(_ id: String?) -> Bool {
        guard let id else { return true }
        return !keys.contains { $0.id == id }
    }
}

import Clocks
import HTTPCodec
import Synchronization
import Telemetry

/// Lets requests in: finds out who calls and whether the route is for them.
package final class Authenticator: Sendable {
    private let ring: KeyRing?
    private let rules: TokenRules
    private let verified = Mutex(VerifiedTokens())
    private let time: any TimeSource
    private let logger: Logger
    private let refusals: CounterFamily?

    /// Asks for tokens that the ring's keys verify; without a ring everybody is let in.
    init(
        _ ring: KeyRing?, rules: TokenRules = TokenRules(), time: any TimeSource, logger: Logger,
        refusals: CounterFamily? = nil
    ) {
        self.ring = ring
        self.rules = rules
        self.time = time
        self.logger = logger
        self.refusals = refusals
    }

    /// Who calls. Nothing of the request but its header `Authorization` has been looked at.
    ///
    /// - Throws: ``AccessDenial``, which has been logged and counted.
    func admit(_ fields: HTTPFields, to access: Access, route: String) async throws(AccessDenial) -> Principal {
        guard let ring else { return .everybody }
        guard access != .everyone else { return .nobody }
        do throws(AccessDenial) {
            let token = try BearerToken.read(fields)
            let claims = try await claims(of: token, ring)
            guard access.isGranted(to: claims.scopes) else {
                throw AccessDenial.missingScope(access.scope ?? .operator)
            }
            return .client(id: claims.subject, scopes: claims.scopes)
        } catch {
            refusals?.labelled(error.label).increment()
            // Calls without a token are everyday life on an open port; a token that is refused is worth a look.
            logger.log(
                error == .noToken ? .debug : .info, "request not admitted",
                ["route": .text(route), "reason": .text(error.description)])
            throw error
        }
    }

    private func claims(of token: String, _ ring: KeyRing) async throws(AccessDenial) -> TokenClaims {
        let digest = Digest.sha256(Array(token.utf8))
        if let known = verified.withLock({ $0.find(digest, generation: ring.current.generation) }) {
            do { try rules.checkTimes(known, now: time.wallNow) } catch { throw .badToken(error) }
            return known
        }
        do {
            return try await verify(token, digest, ring)
        } catch {
            guard case .unknownKey(_, mayBeNew: true) = error else { throw .badToken(error) }
        }
        await ring.loadForUnknownKey()
        do {
            return try await verify(token, digest, ring)
        } catch {
            if case .unknownKey = error, !ring.isComplete { throw .keysUnavailable }
            throw .badToken(error)
        }
    }

    /// Off the server's loop: a signature takes as long as a whole request does otherwise.
    @concurrent
    private func verify(_ token: String, _ digest: [UInt8], _ ring: KeyRing) async throws(TokenRefusal) -> TokenClaims {
        let (keys, generation) = ring.current
        let claims = try TokenVerifier(keys: keys, rules: rules).verify(token, now: time.wallNow)
        verified.withLock { $0.insert(digest, claims, generation: generation) }
        return claims
    }
}

extension Authenticator {
    /// Lets everybody in, as `AUTH=off` does.
    package static func off(time: any TimeSource, logger: Logger) -> Authenticator {
        Authenticator(nil, time: time, logger: logger)
    }
}

import Clocks
import HTTPCodec
import Resilience
import Telemetry

/// How often each client may call a route, told to it in the `RateLimit` and `RateLimit-Policy` fields
/// (draft-ietf-httpapi-ratelimit-headers-10).
///
/// Every request of a known client takes one permit, a repeat under a known idempotency key too: to know the key costs a
/// look at the database, and a client that repeats without end is what the limit is for. A refused request has had no
/// effect, and its key is as free as before.
package final class ClientRateLimit: Sendable {
    /// What became of one request.
    struct Verdict: Sendable {
        fileprivate let name: String
        fileprivate let policy: String
        fileprivate let decision: RateDecision

        /// The answer to a request that came too soon; nil for one that may be served.
        var problem: ProblemDetails? {
            guard let seconds = decision.retryAfterSeconds else { return nil }
            return ProblemDetails(
                .tooManyRequests, detail: "This client has used up what it may ask for.", retryAfter: .seconds(seconds))
        }

        /// Tells the client where it stands.
        func describe(in fields: inout HTTPFields) {
            fields.set("RateLimit-Policy", policy)
            fields.set("RateLimit", "\"\(name)\";r=\(decision.quota.remaining);t=\(decision.quota.resetSeconds)")
        }
    }

    private let limiter: KeyedRateLimiter<String>
    private let policy: String

    /// - Parameter name: what the limit is called in the fields: letters, digits and hyphens.
    package init(_ name: String, _ limit: RateLimit, time: any TimeSource) {
        limiter = KeyedRateLimiter(name: name, limit: limit, time: time)
        policy = "\"\(name)\";q=\(limit.quota);w=\(limit.windowSeconds)"
    }

    /// Takes a permit for a request of this client; nil for whoever is not known.
    func take(_ principal: Principal) -> Verdict? {
        guard let client = principal.clientID else { return nil }
        return Verdict(name: limiter.name, policy: policy, decision: limiter.tryAcquire(client))
    }
}

extension Chassis {
    /// The limit of a route; nil when there is to be none, or when nobody knows who calls.
    package func clientRateLimit(_ name: String, _ limit: RateLimit?, setting: String) -> ClientRateLimit? {
        guard let limit else { return nil }
        guard settings.authentication.mode != .off else {
            logger.warning(
                "a rate limit per client is ignored: AUTH is off, and everybody is one client",
                ["setting": .text(setting)])
            return nil
        }
        return ClientRateLimit(name, limit, time: time)
    }
}

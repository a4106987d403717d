/// What goes wrong how often in one scope; rates are shares of 1.
struct FaultRules: Hashable, Sendable {
    enum LatencyPlace: String, CaseIterable, Sendable {
        /// Done late, also when the client has gone meanwhile.
        case before
        /// Done at once, answered late.
        case after
    }

    enum RetryAfterForm: String, CaseIterable, Sendable {
        case seconds, date
    }

    /// What a single read may say in place of the truth.
    enum Lie: String, CaseIterable, Sendable {
        case pending
        case notFound = "not-found"
        /// A status that it does not have.
        case other
    }

    var latency: LatencyDistribution?
    var latencyPlace = LatencyPlace.after

    // Without effect.
    var hangRate = 0.0
    var hangSeconds = 30.0
    var throttleRate = 0.0
    var retryAfter = 1
    var retryAfterForm = RetryAfterForm.seconds
    var resetRate = 0.0
    var errorRate = 0.0
    var errorStatuses = [500, 502, 503]

    // After it was done.
    var errorAfterRate = 0.0
    var loseAnswerRate = 0.0
    var truncateRate = 0.0

    // Of single reads.
    var lyingStatusRate = 0.0
    var lyingSeconds = 2.0
    var lies: [Lie] = [.pending, .notFound]

    // Of webhooks.
    var duplicateWebhookRate = 0.0
    var loseWebhookRate = 0.0
    var webhookDelay: LatencyDistribution?

    static let longestHang = 300.0
}

/// What a set of rules is for.
enum FaultScope: String, CaseIterable, Sendable {
    /// Asking for money.
    case charges
    /// Giving it back, as a whole or in part.
    case refunds
    /// Booking, cancelling, handing over.
    case bookings
    /// Every read.
    case queries
    case webhooks
    /// Every scope that has no rules of its own.
    case all

    var hasRequests: Bool { self != .webhooks }
    var hasReads: Bool { self == .queries || self == .all }
    var hasWebhooks: Bool { self == .webhooks || self == .all }
}

/// All rules in force, and the seed from which chance is drawn.
struct FaultPlan: Hashable, Sendable {
    var seed: UInt64
    var scopes: [FaultScope: FaultRules] = [:]

    /// A scope's own rules, or those for all.
    func rules(for scope: FaultScope) -> FaultRules? { scopes[scope] ?? scopes[.all] }
}

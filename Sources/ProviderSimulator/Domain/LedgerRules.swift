import Clocks

/// How long things take at this provider, whom it tells, and how much it remembers.
struct LedgerRules: Hashable, Sendable {
    /// Until `tok_slow` is captured.
    var slowness = Duration.seconds(2)
    /// Until `tok_pending` is captured.
    var pendingDelay = Duration.seconds(3)
    /// From a booking's first confirmation.
    var dispatchDelay = Duration.seconds(5)
    var deliverDelay = Duration.seconds(10)
    /// How many times `tok_flaky` is refused.
    var flakyRefusals = 2
    /// Who wants to be told.
    var webhookTargets: Set<WebhookEvent.Target> = []
    /// After this many failed attempts an event is given up.
    var webhookAttempts = 50
    var shortestPause = Duration.milliseconds(500)
    var longestPause = Duration.seconds(30)
    /// Charges, refunds, bookings and keys that were refused, all together; each takes about 1 KiB.
    var entryLimit = 500_000

    /// The pause after `attempts` failures: doubling up to the longest, then shortened by up to a half, so that what
    /// failed together is not tried again together.
    func pause(afterFailures attempts: Int, random: any RandomSource) -> Duration {
        let doublings = min(max(0, attempts - 1), 20)
        let whole = min(shortestPause * (1 << doublings), longestPause)
        return whole / 2 + random.nextDuration(upTo: whole / 2)
    }
}

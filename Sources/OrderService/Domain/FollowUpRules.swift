import Contracts

/// How often a confirmed order is spoken of again while nobody has told that its goods have arrived.
///
/// What was said once can be lost with the broker's log, and with it the goods' leave to go, or the news that they went.
/// The waits grow fast: most goods are on their way for days, and nothing is wrong with that.
package struct FollowUpRules: Hashable, Sendable {
    /// The time that goods may take before anybody asks.
    package var firstWait: Duration
    /// By how much each wait is longer than the one before.
    package var factor = 4
    package var maximumWait = Duration.seconds(86_400)

    package init(firstWait: Duration = .seconds(30)) {
        self.firstWait = firstWait
    }

    /// The wait after the order was spoken of again this often; 0 for the one after its confirmation.
    package func wait(after repeats: Int) -> Duration {
        var wait = min(firstWait, maximumWait)
        for _ in 0..<max(repeats, 0) where wait < maximumWait { wait = min(wait * factor, maximumWait) }
        return wait
    }
}

extension Order.Status {
    /// The order is confirmed, and its goods have not arrived as far as is known.
    package var awaitsGoods: Bool {
        switch self {
        case .confirmed, .shipped: true
        case .pending, .rejected, .cancelled, .delivered: false
        }
    }
}

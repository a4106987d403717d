import Clocks

/// How far one sender's clock is from ours, as far as its messages tell: a pure state machine.
///
/// The difference between our clock when a message is here and the sender's when it was said is what the clocks differ by,
/// and the message's delay. Delays are never negative, so the smallest difference seen is the best one, as in NTP's
/// clock filter: it is above what the clocks differ by, by the smallest delay. What a message's difference has in excess
/// of it is the message's delay, less that smallest one; it is never estimated too long, whatever the clocks show.
///
/// Our clock is the monotonic one, so nobody can set it. The sender's can be set:
/// - *forward*: differences fall. One that falls by more than `leap` at once (in a backlog they fall little by little) is a
///   `doubt` and not believed until others have confirmed it for `confirmation`; unconfirmed for `doubtLasts` it is
///   forgotten. Doubtful, the estimate is not to be used.
/// - *back*: differences rise, which a backlog does too. But a backlog grows or shrinks: differences that stay within
///   `band` for `plateau`, all of them more than `leap` too large, are a clock that was set, or a delay that stays.
struct SenderClock: Sendable {
    /// Microseconds, like all times here.
    static let leap: Int64 = 1_000_000
    static let confirmation: Int64 = 1_000_000
    static let doubtLasts: Int64 = 10_000_000
    static let band: Int64 = 500_000
    static let plateau: Int64 = 3_000_000
    static let plateauCount = 5
    /// A smallest difference counts for this long while messages come, and up to twice; a quiet sender keeps it.
    static let window: Int64 = 30_000_000
    /// After as long a silence clocks may have drifted too far apart.
    static let forgottenAfter: Int64 = 3_600_000_000

    /// The smallest difference of a time that began at `since`.
    private struct Smallest {
        var value: Int64
        var since: Int64
    }

    /// Differences that agree with one another and not with the estimate.
    private struct Run {
        var low: Int64
        var high: Int64
        let since: Int64
        var latest: Int64
        var count = 1

        init(_ difference: Int64, at now: Int64) {
            (low, high, since, latest) = (difference, difference, now, now)
        }
    }

    private var current: Smallest
    private var previous: Int64?
    private var doubt: Run?
    private var excess: Run?
    private(set) var lastSeen: Int64

    /// Begins with the first message of a sender.
    init(said: Int64, now: Int64) {
        current = Smallest(value: now - said, since: now)
        lastSeen = now
    }

    /// Whether the estimate must not be used: the sender's clock may just have been set forward.
    var isDoubtful: Bool { doubt != nil }

    /// Whether it is as good as unknown.
    func isForgotten(at now: Int64) -> Bool { now - lastSeen > Self.forgottenAfter }

    /// How long a message that was `said` then has been under way, beyond the smallest delay.
    func delay(said: Int64, now: Int64) -> Int64 { now - said - smallest }

    private var smallest: Int64 { min(current.value, previous ?? current.value) }

    /// Takes in a message that was `said` then by the sender's clock and is here `now` by ours.
    mutating func observe(said: Int64, now: Int64) {
        lastSeen = max(lastSeen, now)
        let difference = now - said
        endDoubt(at: now)
        if difference < smallest - Self.leap {
            suspect(difference, at: now)
        } else if difference > smallest + Self.leap {
            watch(difference, at: now)
        } else {
            excess = nil
            take(difference, at: now)
        }
    }

    private mutating func take(_ difference: Int64, at now: Int64) {
        if now - current.since >= Self.window {
            previous = current.value
            current = Smallest(value: difference, since: now)
        } else {
            current.value = min(current.value, difference)
        }
    }

    private mutating func restart(_ difference: Int64, at now: Int64) {
        current = Smallest(value: difference, since: now)
        previous = nil
        doubt = nil
        excess = nil
    }

    /// The difference is far too small to be a message with less delay, unless all before it had been very late.
    private mutating func suspect(_ difference: Int64, at now: Int64) {
        guard var run = doubt, difference >= run.low - Self.leap else {
            doubt = Run(difference, at: now)
            return
        }
        // One that is far above agrees with neither.
        guard difference <= run.low + Self.leap else { return }
        run.low = min(run.low, difference)
        run.latest = now
        doubt = run
        if now - run.since >= Self.confirmation { restart(run.low, at: now) }
    }

    private mutating func endDoubt(at now: Int64) {
        if let run = doubt, now - run.latest >= Self.doubtLasts { doubt = nil }
    }

    /// The difference is far too large for a clock that was not set, unless the message is late.
    private mutating func watch(_ difference: Int64, at now: Int64) {
        // While messages come the window goes on, though none is as good as the best.
        if now - current.since >= Self.window { take(difference, at: now) }
        guard var run = excess, max(run.high, difference) - min(run.low, difference) <= Self.band else {
            excess = Run(difference, at: now)
            return
        }
        run.low = min(run.low, difference)
        run.high = max(run.high, difference)
        run.count += 1
        excess = run
        if now - run.since >= Self.plateau, run.count >= Self.plateauCount { restart(run.low, at: now) }
    }
}

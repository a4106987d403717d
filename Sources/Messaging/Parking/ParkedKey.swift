import Clocks
import Resilience

/// How often a parked message is tried, and how long it waits in between.
package struct ParkingRules: Sendable, Hashable {
    /// How often a message is tried before it is a dead letter.
    package var attempts = 8
    /// The wait after the first failure; it grows fourfold up to `maximumWait`.
    package var wait = Duration.milliseconds(250)
    package var maximumWait = Duration.seconds(20)

    package init() {}

    /// The wait after this many failures.
    ///
    /// - Parameter spread: 0 to 1; shortens the wait by up to a fifth, so that keys that failed together come apart.
    package func wait(after failures: Int, spread: Double) -> Duration {
        Backoff.exponential(base: wait, factor: 4, cap: maximumWait, jitter: 0.2)
            .delay(failures, after: nil, random: FixedUnit(unit: spread))
    }

    private struct FixedUnit: RandomSource {
        var unit: Double
        func next() -> UInt64 { UInt64(max(0, min(unit, 0.999_999)) * Double(UInt64.max)) }
    }
}

/// The messages of one key of one topic that wait, oldest first: a pure state machine.
///
/// The first message, the head, is in one of these:
/// - **waiting**, with at least one failure: it is tried alone when its wait is over. Leaves by `succeeded`, or by
///   `failed`: back to waiting, or as a dead letter after the last attempt.
/// - **free**, without a failure: its forerunner was handled or given up. It is tried at once, together with those
///   behind it. Leaves as above.
///
/// All others are followers and are never tried before the head has left. A dead letter does not hold up its followers:
/// a cancellation or a compensation may be among them, and whoever handles them knows from its own state what to
/// make of a forerunner that comes later.
package struct ParkedKey<Message: Sendable>: Sendable {
    /// A message that waits, and how often it has failed.
    package struct Entry: Sendable {
        package var message: Message
        package var failures: Int

        package init(_ message: Message, failures: Int = 0) {
            self.message = message
            self.failures = failures
        }
    }

    /// What becomes of a head that failed.
    package enum Outcome: Sendable {
        /// It is tried again after this.
        case wait(Duration)
        /// It has failed as often as it may; the next one is the head now.
        case giveUp(Entry)
    }

    package private(set) var entries: [Entry]

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Adds a message behind all others.
    package mutating func park(_ message: Message, failures: Int = 0) {
        entries.append(Entry(message, failures: failures))
    }

    /// What is to be tried when the key is due: a head that has failed alone, otherwise as many as have not.
    package func next(maximum: Int) -> [Message] {
        guard let head = entries.first else { return [] }
        if head.failures > 0 { return [head.message] }
        return entries.prefix(max(1, maximum)).prefix { $0.failures == 0 }.map(\.message)
    }

    /// The first `count` messages are handled.
    package mutating func succeeded(_ count: Int) {
        entries.removeFirst(count)
    }

    /// The head failed, alone.
    package mutating func failed(_ rules: ParkingRules, spread: Double) -> Outcome {
        precondition(!entries.isEmpty, "something was tried")
        entries[0].failures += 1
        guard entries[0].failures < rules.attempts else { return .giveUp(entries.removeFirst()) }
        return .wait(rules.wait(after: entries[0].failures, spread: spread))
    }
}

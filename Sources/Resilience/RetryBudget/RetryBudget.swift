import Clocks
import Synchronization

/// Bounds the load that further calls put on one dependency: retries, hedges, redeliveries and repeated saga steps all
/// pay from the same account.
///
/// Each call that ended well earns a share of a further one; each further call is paid for before it is made, and
/// before the delay that precedes it. So when calls begin to fail, however many wait to repeat them at once, together
/// they make few more calls than came in, and what a call earns does not depend on how many attempts it took.
/// What was paid for and then not used is not given back.
///
/// Between any two moments, withdrawals are at most `share × deposits + floor × seconds`, and once the burst: the
/// maximum balance and one second of the floor. With the defaults that is less than a fifth of the calls, from ten calls a
/// second on; below five a second it is three a second.
public final class RetryBudget: Sendable {
    /// A moment's figures.
    public struct Snapshot: Hashable, Sendable {
        /// The budget's name.
        public let name: String
        /// Further calls that can be paid for now.
        public let balance: Double
        /// Further calls that were paid for since the budget was made.
        public let withdrawn: UInt64
        /// Further calls that could not be paid for.
        public let refused: UInt64
    }

    private struct State {
        var account: RetryBudgetAccount
        var withdrawn: UInt64 = 0
        var refused: UInt64 = 0
    }

    /// Whose calls it pays for.
    public let name: String
    private let time: any TimeSource
    private let state: Lock<State>

    /// Deposits that are not in the account yet: they belong to its current slot. Most deposits cost this addition.
    private let pending = Atomic<Int64>(0)
    /// The account's `slotEnd`, in nanoseconds.
    private let slotEnd: Atomic<Int64>

    /// Creates a budget that holds the floor's burst.
    ///
    /// - Precondition: The configuration has no ``RetryBudgetConfiguration/faults``.
    public init(
        name: String, configuration: RetryBudgetConfiguration = RetryBudgetConfiguration(), time: any TimeSource
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "retry budget \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.time = time
        let account = RetryBudgetAccount(configuration, now: time.now)
        slotEnd = Atomic(account.slotEnd.nanoseconds)
        state = Lock(State(account: account))
    }

    /// A call has ended well, at whichever attempt: once for each call.
    public func deposit() {
        deposit(now: time.now)
    }

    /// A call has ended well; for those who have read the clock already.
    ///
    /// `now` may be the moment the call began: what is earned then expires a little earlier.
    public func deposit(now: MonotonicInstant) {
        // Whoever adds just after the slot has ended adds to the next one, as if it had come later.
        if now.nanoseconds < slotEnd.load(ordering: .relaxed) {
            pending.add(1, ordering: .relaxed)
        } else {
            withAccount(now: now) { $0.account.credit(1) }
        }
    }

    /// Pays for one further call; false when there is not enough, and then the call must not be made.
    public func withdraw() -> Bool {
        withdraw(now: time.now)
    }

    /// Pays for one further call; for those who have read the clock already.
    public func withdraw(now: MonotonicInstant) -> Bool {
        withAccount(now: now) { state in
            let isPaid = state.account.withdraw(now: now)
            if isPaid { state.withdrawn += 1 } else { state.refused += 1 }
            return isPaid
        }
    }

    /// The figures now.
    public var snapshot: Snapshot {
        let now = time.now
        return withAccount(now: now) { state in
            Snapshot(
                name: name, balance: state.account.balance(now: now), withdrawn: state.withdrawn,
                refused: state.refused)
        }
    }

    /// The further calls that can be paid for now.
    public var balance: Double { snapshot.balance }

    private func withAccount<Answer: Sendable>(now: MonotonicInstant, _ body: (inout State) -> Answer) -> Answer {
        state.withLock { state in
            state.account.credit(pending.exchange(0, ordering: .relaxed))
            state.account.advance(to: now)
            slotEnd.store(state.account.slotEnd.nanoseconds, ordering: .relaxed)
            return body(&state)
        }
    }
}

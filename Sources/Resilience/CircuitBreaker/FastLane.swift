import Clocks
import Synchronization

/// The way past a breaker's lock for the calls that need no decision: those that pass a healthy breaker and succeed, and
/// those that an open one refuses.
///
/// All it takes is in one atomic word: the state, its generation, whether the lane is open, and how many calls took it
/// since it was last emptied. A call takes the lane by counting itself into the very word it has read, so it belongs to
/// that state and generation or it does not happen. Whoever holds the breaker's lock first shuts the lane and has the
/// machine take over the calls that were counted, and opens it again as the machine then wants it: in between nobody
/// takes it, so every call comes either before a decision or after it.
struct FastLane: ~Copyable, Sendable {
    /// What the word says.
    struct Sign: Hashable, Sendable {
        fileprivate var bits: UInt64

        fileprivate init(bits: UInt64) { self.bits = bits }

        init(_ state: CircuitBreakerState, generation: UInt32, isOpen: Bool) {
            bits = UInt64(generation) << 32 | UInt64(state.rawValue) << 29 | (isOpen ? Self.openBit : 0)
        }

        static var openBit: UInt64 { 1 << 28 }
        /// The calls that took the lane: the lower 28 bits.
        static var countMask: UInt64 { openBit - 1 }

        var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }

        /// The state; true also while the lane is shut.
        var state: CircuitBreakerState {
            CircuitBreakerState(rawValue: Int(bits >> 29 & 7)) ?? .closed
        }

        /// Whether calls may take the lane before its end.
        var isOpen: Bool { bits & Self.openBit != 0 }
    }

    private let word: Atomic<UInt64>
    private let endNanoseconds: Atomic<Int64>
    /// Keeps what is only read, here and in the fields that follow, off the cache line that every call writes to.
    private let padding = InlineArray<14, UInt64>(repeating: 0)
    /// The word without its count, for those who want to know the state alone.
    private let stateWord: Atomic<UInt64>

    init() {
        let sign = Sign(.closed, generation: 0, isOpen: false)
        word = Atomic(sign.bits)
        stateWord = Atomic(sign.bits)
        endNanoseconds = Atomic(.min)
    }

    var sign: Sign { Sign(bits: word.load(ordering: .acquiring)) }

    /// State and generation, at a lower price than ``sign`` where many threads are about. It never says that the lane is
    /// open.
    var state: Sign { Sign(bits: stateWord.load(ordering: .acquiring)) }

    /// When the lane ends by itself. It belongs to the sign that was read before only if ``take(_:)`` then succeeds.
    var end: MonotonicInstant { MonotonicInstant(nanoseconds: endNanoseconds.load(ordering: .relaxed)) }

    /// Counts a call in. False when the lane has been shut since the sign was read, or is full.
    func take(_ sign: Sign) -> Bool {
        var expected = sign.bits
        while expected & Sign.countMask != Sign.countMask {
            let (isDone, found) = word.compareExchange(
                expected: expected, desired: expected + 1, ordering: .acquiringAndReleasing)
            if isDone { return true }
            // Others may have been counted in between, and nothing else may have changed.
            guard (found ^ sign.bits) & ~Sign.countMask == 0 else { return false }
            expected = found
        }
        return false
    }

    /// Lets nobody in any more, and says how many came since the last time. Only for who holds the lock.
    func shut() -> Int {
        let before = word.bitwiseAnd(~(Sign.openBit | Sign.countMask), ordering: .acquiringAndReleasing).oldValue
        return Int(before & Sign.countMask)
    }

    /// Shows a state, and lets calls in until `end` where there is one. Only for who holds the lock, after ``shut()``.
    func show(_ state: CircuitBreakerState, generation: UInt32, until end: MonotonicInstant?) {
        if let end { endNanoseconds.store(end.nanoseconds, ordering: .relaxed) }
        word.store(Sign(state, generation: generation, isOpen: end != nil).bits, ordering: .releasing)
        // Who reads the former state in between comes before the change: the lock is still held.
        let bits = Sign(state, generation: generation, isOpen: false).bits
        if bits != stateWord.load(ordering: .relaxed) { stateWord.store(bits, ordering: .releasing) }
    }
}

import Synchronization

/// How many places of a bulkhead are taken, where nobody waits for one: then taking and giving back is one atomic step.
///
/// While anybody waits, and while somebody holds the bulkhead's lock, the counter is shut and the machine alone knows.
struct PlaceCounter: ~Copyable, Sendable {
    private static var shutBit: UInt64 { 1 << 63 }

    private let word = Atomic<UInt64>(0)

    /// False when all are taken or the counter is shut; ``isFull(limit:)`` tells which.
    func take(limit: Int) -> Bool {
        var found = word.load(ordering: .relaxed)
        while found < UInt64(limit) {
            let (isDone, now) = word.compareExchange(
                expected: found, desired: found + 1, ordering: .acquiringAndReleasing)
            if isDone { return true }
            found = now
        }
        return false
    }

    /// Whether all are taken and nobody waits.
    func isFull(limit: Int) -> Bool {
        let found = word.load(ordering: .relaxed)
        return found & Self.shutBit == 0 && found >= UInt64(limit)
    }

    /// False when the counter is shut.
    func giveBack() -> Bool {
        var found = word.load(ordering: .relaxed)
        while found & Self.shutBit == 0 {
            precondition(found > 0, "a place is given back once")
            let (isDone, now) = word.compareExchange(
                expected: found, desired: found - 1, ordering: .acquiringAndReleasing)
            if isDone { return true }
            found = now
        }
        return false
    }

    /// Only for who holds the lock: from here to ``show(_:isShut:)`` nothing changes. The number taken; nil when the
    /// counter was shut before, so that the machine has the number.
    func shut() -> Int? {
        let before = word.bitwiseOr(Self.shutBit, ordering: .acquiringAndReleasing).oldValue
        return before & Self.shutBit == 0 ? Int(before) : nil
    }

    /// Only for who holds the lock, after ``shut()``.
    func show(_ taken: Int, isShut: Bool) {
        word.store(isShut ? Self.shutBit : UInt64(taken), ordering: .releasing)
    }
}

import Clocks

/// The last good answer for each key, for a ``Fallback`` to give in place of one that cannot be had; in bounded memory.
///
/// Every call is made all the same: what is remembered never stands for an answer that can be had. That is the difference
/// from a ``StaleCache``, which saves calls, and serves values that may have changed since.
public final class LastAnswers<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        var rememberedAt: MonotonicInstant
    }

    private let maximumAge: Duration
    private let capacity: Int
    private let time: any TimeSource
    private let entries = Lock(RecentlyUsed<Key, Entry>())

    /// Creates an empty memory.
    ///
    /// - Parameters:
    ///   - maximumAge: How long after it was remembered an answer is still better than none.
    ///   - capacity: The answers kept; when there are more, those go that were not used for longest.
    /// - Precondition: The age is positive, the capacity at least 1.
    public init(maximumAge: Duration = .seconds(3600), capacity: Int = 10_000, time: any TimeSource) {
        precondition(maximumAge > .zero, "the greatest age must be positive")
        precondition(capacity >= 1, "the capacity must be at least 1")
        self.maximumAge = maximumAge
        self.capacity = capacity
        self.time = time
    }

    /// How many answers are kept, those that are too old included.
    public var count: Int { entries.withLock(\.count) }

    /// Remembers the answer in place of an earlier one.
    public func remember(_ value: Value, for key: Key) {
        let entry = Entry(value: value, rememberedAt: time.now)
        entries.withLock { entries in
            entries.remove(key)
            entries.insert(entry, for: key)
            if entries.count > capacity { _ = entries.removeOldest { _ in true } }
        }
    }

    /// The last answer and how long ago it was remembered; nil when there is none, or none that is young enough.
    public func answer(for key: Key) -> (value: Value, age: Duration)? {
        let now = time.now
        return entries.withLock { entries in
            guard let entry = entries.use(key) else { return nil }
            let age = entry.rememberedAt.duration(to: now)
            guard age <= maximumAge else {
                entries.remove(key)
                return nil
            }
            return (entry.value, age)
        }
    }

    /// Forgets the answer.
    public func forget(_ key: Key) {
        _ = entries.withLock { $0.remove(key) }
    }
}

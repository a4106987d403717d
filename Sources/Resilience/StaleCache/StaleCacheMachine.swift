import Clocks

/// What is remembered and what is being fetched, without clock, lock or tasks of its own.
///
/// An entry counts from the start of the fetch that brought it, so its value is never served longer than `staleAge`
/// after it has changed. What the source does not know is never remembered: it can be there the next moment.
struct StaleCacheMachine<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What a look-up found.
    struct Found: Sendable {
        var served: [Key: Cached<Value>] = [:]
        /// Not there, or too old: must be fetched before going on. Each once.
        var missing: [Key] = []
        /// To be fetched anew behind the scenes, and not being fetched yet: what was served ageing, and its company.
        var ageing: [Key] = []
    }

    private struct Entry {
        var value: Value
        var fetchedAt: MonotonicInstant
        /// Served since it was fetched.
        var wasUsed = false
        /// A fetch has failed: until then what can be served is served without another one.
        var pausedUntil: MonotonicInstant
    }

    /// The latest fetch of a key that is under way.
    private struct Flight {
        let number: UInt64
        /// Then it counts as failed, though it may not have ended.
        let endsAt: MonotonicInstant
    }

    private let configuration: StaleCacheConfiguration
    private var entries = RecentlyUsed<Key, Entry>()
    private var flights: [Key: Flight] = [:]
    /// What was fetched, oldest first, as far as it was not looked at for company yet.
    private var arrivals = Arrivals<Key>()
    /// The number of the latest fetch; they are counted from 1.
    private(set) var begun: UInt64 = 0
    private(set) var evicted: UInt64 = 0

    init(_ configuration: StaleCacheConfiguration) {
        self.configuration = configuration
    }

    var count: Int { entries.count }
    /// The keys that are being fetched.
    var fetching: Int { flights.count }

    mutating func find(_ keys: some Sequence<Key>, now: MonotonicInstant) -> Found {
        var found = Found()
        var looked: Set<Key> = []
        for key in keys where looked.insert(key).inserted {
            guard let entry = entries.use(key),
                let cached = cached(entry, now: now, hasFailed: now < entry.pausedUntil)
            else {
                found.missing.append(key)
                continue
            }
            found.served[key] = cached
            if configuration.refreshBatch > 1, !entry.wasUsed { _ = entries.change(key) { $0.wasUsed = true } }
            if cached.freshness == .stale(.ageing), number(of: key, now: now) == nil { found.ageing.append(key) }
        }
        if !found.ageing.isEmpty { fill(&found.ageing, now: now) }
        return found
    }

    /// Adds others that age and were used since they came, for they will be asked for too.
    private mutating func fill(_ keys: inout [Key], now: MonotonicInstant) {
        while keys.count < configuration.refreshBatch, let (key, fetchedAt) = arrivals.first,
            fetchedAt.duration(to: now) >= configuration.freshAge
        {
            arrivals.removeFirst()
            guard let entry = entries[key], entry.fetchedAt == fetchedAt, entry.wasUsed, now >= entry.pausedUntil,
                number(of: key, now: now) == nil, !keys.contains(key)
            else { continue }
            keys.append(key)
        }
    }

    /// What can be served when a fetch has failed; fresh when another one has brought it meanwhile.
    func lastResort(_ key: Key, now: MonotonicInstant) -> Cached<Value>? {
        entries[key].flatMap { cached($0, now: now, hasFailed: true) }
    }

    private func cached(_ entry: Entry, now: MonotonicInstant, hasFailed: Bool) -> Cached<Value>? {
        let age = entry.fetchedAt.duration(to: now)
        return configuration.freshness(age: age, hasFailed: hasFailed).map {
            Cached(value: entry.value, age: age, freshness: $0)
        }
    }

    /// The fetch of the key that is under way, if it may still bring something.
    func number(of key: Key, now: MonotonicInstant) -> UInt64? {
        guard let flight = flights[key], now < flight.endsAt else { return nil }
        return flight.number
    }

    /// Begins a fetch of these keys, of which others may be under way: those go on.
    mutating func begin(_ keys: [Key], now: MonotonicInstant) -> UInt64 {
        begun += 1
        let flight = Flight(number: begun, endsAt: now.advanced(by: configuration.fetchTimeout))
        for key in keys { flights[key] = flight }
        return begun
    }

    /// Takes in what the fetch that began at `startedAt` brought for `keys`; an older answer changes nothing that a
    /// newer one has brought.
    mutating func land(_ number: UInt64, _ keys: [Key], _ values: [Key: Value], startedAt: MonotonicInstant) {
        end(number, keys)
        for key in keys {
            if let known = entries[key], known.fetchedAt > startedAt { continue }
            guard let value = values[key] else {
                entries.remove(key)
                continue
            }
            let entry = Entry(value: value, fetchedAt: startedAt, pausedUntil: startedAt)
            if entries.change(key, { $0 = entry }) == nil { insert(entry, for: key) }
            if configuration.refreshBatch > 1 { arrivals.append(key, startedAt) }
        }
        while arrivals.count > configuration.capacity { arrivals.removeFirst() }
    }

    /// The fetch has failed. What can be served without one is, for a while.
    mutating func fail(_ number: UInt64, _ keys: [Key], now: MonotonicInstant) {
        end(number, keys)
        let pausedUntil = now.advanced(by: configuration.pauseAfterFailure)
        for key in keys { _ = entries.change(key) { $0.pausedUntil = pausedUntil } }
    }

    private mutating func insert(_ entry: Entry, for key: Key) {
        entries.insert(entry, for: key)
        while entries.count > configuration.capacity {
            _ = entries.removeOldest { _ in true }
            evicted += 1
        }
    }

    /// A later fetch of the same key goes on.
    private mutating func end(_ number: UInt64, _ keys: [Key]) {
        for key in keys where flights[key]?.number == number { flights[key] = nil }
    }
}

/// Keys in the order in which their values came; one that came again is there again.
private struct Arrivals<Key: Sendable>: Sendable {
    private var keys: [(key: Key, fetchedAt: MonotonicInstant)] = []
    private var head = 0

    var count: Int { keys.count - head }
    var first: (key: Key, fetchedAt: MonotonicInstant)? { head < keys.count ? keys[head] : nil }

    mutating func append(_ key: Key, _ fetchedAt: MonotonicInstant) {
        keys.append((key, fetchedAt))
    }

    mutating func removeFirst() {
        head += 1
        guard head > 64, head > keys.count / 2 else { return }
        keys.removeFirst(head)
        head = 0
    }
}

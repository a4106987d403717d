/// A bounded number of buckets, one a key, the least recently used first to go. Without clock or lock of its own.
///
/// Refused callers count as users: a caller that keeps trying is not forgotten for it.
struct RateTable<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var key: Key
        var fullAt: Int64
        var newer: Int32
        var older: Int32
    }

    /// Why buckets were given up.
    struct Evictions: Hashable, Sendable {
        /// The bucket was full: nothing was forgotten.
        var idle: UInt64 = 0
        /// The bucket was not full: its key, should it come again, begins with a full one.
        var early: UInt64 = 0
    }

    private static var none: Int32 { -1 }

    /// How many of the least recently used are looked at for one that is full.
    private static var reach: Int { 8 }

    let rate: CellRate
    let maximumKeys: Int
    private(set) var evictions = Evictions()
    private var places: [Key: Int32] = [:]
    /// Never more than `maximumKeys`; a place that was given up is used again at once.
    private var entries: [Entry] = []
    private var newest = Self.none
    private var oldest = Self.none

    init(rate: CellRate, maximumKeys: Int) {
        self.rate = rate
        self.maximumKeys = maximumKeys
    }

    var count: Int { entries.count }

    mutating func take(_ ticks: Int64, for key: Key, now: Int64) -> RateDecision {
        let place = use(key, now: now)
        let backlog = rate.backlog(fullAt: entries[place].fullAt, now: now)
        let after = backlog + ticks
        guard after <= rate.capacity else {
            let retryAfter = rate.duration(ofTicks: after - rate.capacity)
            return .rejected(RateQuota(rate, backlog: backlog), retryAfter: retryAfter)
        }
        entries[place].fullAt = now + after
        return .allowed(RateQuota(rate, backlog: after))
    }

    /// Looks without using.
    func backlog(of key: Key, now: Int64) -> Int64 {
        places[key].map { rate.backlog(fullAt: entries[Int($0)].fullAt, now: now) } ?? 0
    }

    /// The key's place, now the most recently used.
    private mutating func use(_ key: Key, now: Int64) -> Int {
        if let place = places[key] {
            if place != newest {
                unlink(place)
                link(place)
            }
            return Int(place)
        }
        let place: Int32
        let entry = Entry(key: key, fullAt: CellRate.full, newer: Self.none, older: Self.none)
        if entries.count < maximumKeys {
            place = Int32(entries.count)
            entries.append(entry)
        } else {
            place = evict(now: now)
            entries[Int(place)] = entry
        }
        places[key] = place
        link(place)
        return Int(place)
    }

    private mutating func evict(now: Int64) -> Int32 {
        var place = oldest
        for _ in 0..<Self.reach where place != Self.none && entries[Int(place)].fullAt > now {
            place = entries[Int(place)].newer
        }
        let isIdle = place != Self.none && entries[Int(place)].fullAt <= now
        if isIdle { evictions.idle += 1 } else { evictions.early += 1 }
        let victim = isIdle ? place : oldest
        unlink(victim)
        places[entries[Int(victim)].key] = nil
        return victim
    }

    private mutating func unlink(_ place: Int32) {
        let entry = entries[Int(place)]
        if entry.newer == Self.none { newest = entry.older } else { entries[Int(entry.newer)].older = entry.older }
        if entry.older == Self.none { oldest = entry.newer } else { entries[Int(entry.older)].newer = entry.newer }
    }

    private mutating func link(_ place: Int32) {
        entries[Int(place)].newer = Self.none
        entries[Int(place)].older = newest
        if newest == Self.none { oldest = place } else { entries[Int(newest)].newer = place }
        newest = place
    }
}

import Clocks

/// The catalogue items that were seen lately: a pure state machine.
///
/// An entry counts from the start of the fetch that brought it, so that a price is never served longer than
/// `lifetime` after it has changed. From `refreshAge` on it is still served, and fetched anew behind the scenes.
/// What the catalogue does not know is never remembered: a new item can be ordered at once.
struct PriceCache: Sendable {
    private struct Entry {
        var item: CatalogueItem
        var fetchedAt: MonotonicInstant
        var lastUse: UInt64
        var isRefreshing: Bool
    }

    /// What a look-up found.
    struct Found: Sendable {
        var items: [String: CatalogueItem] = [:]
        /// Not there, or too old: must be fetched before going on.
        var missing: [String] = []
        /// Served, but to be fetched anew; each is told to one caller only.
        var stale: [String] = []
    }

    private var entries: [String: Entry] = [:]
    private var uses: UInt64 = 0
    private let capacity: Int
    private let lifetime: Duration
    private let refreshAge: Duration

    init(capacity: Int = 10_000, lifetime: Duration = .milliseconds(4500), refreshAge: Duration = .seconds(1)) {
        self.capacity = capacity
        self.lifetime = lifetime
        self.refreshAge = refreshAge
    }

    var count: Int { entries.count }

    mutating func find(_ skus: some Sequence<String>, now: MonotonicInstant) -> Found {
        var found = Found()
        for sku in skus {
            guard let entry = entries[sku], entry.fetchedAt.duration(to: now) <= lifetime else {
                found.missing.append(sku)
                continue
            }
            uses += 1
            entries[sku]!.lastUse = uses
            found.items[sku] = entry.item
            if !entry.isRefreshing, entry.fetchedAt.duration(to: now) >= refreshAge {
                entries[sku]!.isRefreshing = true
                found.stale.append(sku)
            }
        }
        return found
    }

    /// Takes in what a fetch that began at `startedAt` answered for `asked`; an older answer does not replace a newer.
    mutating func store(_ items: [CatalogueItem], asked: [String], startedAt: MonotonicInstant) {
        var answered: Set<String> = []
        for item in items {
            answered.insert(item.sku)
            if let known = entries[item.sku], known.fetchedAt > startedAt { continue }
            uses += 1
            entries[item.sku] = Entry(item: item, fetchedAt: startedAt, lastUse: uses, isRefreshing: false)
        }
        for sku in asked where !answered.contains(sku) { entries[sku] = nil }
        evict()
    }

    /// A refresh failed: the next look-up may try again.
    mutating func refreshFailed(_ skus: [String]) {
        for sku in skus { entries[sku]?.isRefreshing = false }
    }

    /// Drops the least recently used tenth when there is no more room, so that this is rare.
    private mutating func evict() {
        guard entries.count > capacity else { return }
        let keep = capacity - capacity / 10
        let oldest = entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(entries.count - keep)
        for (sku, _) in oldest { entries[sku] = nil }
    }
}

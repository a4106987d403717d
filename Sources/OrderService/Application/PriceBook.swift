import Clocks
import Synchronization
import Telemetry

/// Prices for orders: from memory while they are young enough, else from the catalogue.
///
/// However many orders want the same price at once, it is fetched once. Who finds that a fetch begun earlier did
/// not know an item asks again, for the item may have been added since.
final class PriceBook: Sendable {
    fileprivate struct Fetch {
        var number: UInt64
        var task: Task<Void, any Error>
    }

    fileprivate struct State {
        var cache: PriceCache
        var fetches: [String: Fetch] = [:]
        /// How many fetches were begun.
        var begun: UInt64 = 0
    }

    private let catalogue: any Catalogue
    private let time: any TimeSource
    private let log: Logger
    private let fetchTimeout: Duration
    private let state: Mutex<State>

    init(
        catalogue: any Catalogue, cache: PriceCache = PriceCache(), fetchTimeout: Duration = .seconds(2),
        time: any TimeSource, log: Logger
    ) {
        self.catalogue = catalogue
        self.time = time
        self.log = log
        self.fetchTimeout = fetchTimeout
        state = Mutex(State(cache: cache))
    }

    /// The items of these SKUs; what the catalogue does not know is left out. Takes at most twice the fetch timeout.
    ///
    /// - Throws: what the catalogue throws, when an item is not in memory and cannot be fetched.
    func items(_ skus: [String]) async throws -> [String: CatalogueItem] {
        var found = find(skus)
        if !found.stale.isEmpty { refresh(found.stale) }
        guard !found.missing.isEmpty else { return found.items }
        let (joined, own, begun) = join(found.missing, begunSince: 0)
        if !joined.isEmpty {
            for other in joined { _ = try? await other.value }
            try await own?.value
            try Task.checkCancellation()
            found = find(skus)
            guard !found.missing.isEmpty else { return found.items }
            // What was begun since we came is as good as a fetch of our own.
            let (joined, own, _) = join(found.missing, begunSince: begun)
            for other in joined { try await other.value }
            try await own?.value
        } else {
            try await own?.value
        }
        return find(skus).items
    }

    /// The fetches under way for these SKUs that began after the first `begunSince`, and one for the rest. One look, so
    /// that two callers cannot both begin.
    private func join(
        _ skus: [String], begunSince: UInt64
    ) -> (joined: [Task<Void, any Error>], own: Task<Void, any Error>?, begun: UInt64) {
        state.withLock { state in
            let begun = state.begun
            var joined: [UInt64: Task<Void, any Error>] = [:]
            var rest: [String] = []
            for sku in skus {
                if let fetch = state.fetches[sku], fetch.number > begunSince {
                    joined[fetch.number] = fetch.task
                } else {
                    rest.append(sku)
                }
            }
            let own = rest.isEmpty ? nil : begin(rest, &state)
            return (Array(joined.values), own, begun)
        }
    }

    private func find(_ skus: [String]) -> PriceCache.Found {
        state.withLock { $0.cache.find(skus, now: time.now) }
    }

    /// Fetches behind the scenes; if that fails, the next order that needs it tries again.
    private func refresh(_ skus: [String]) {
        state.withLock { _ = begin(skus, &$0) }
    }

    /// A fetch belongs to all who wait for it, so the one who began it must not cancel it: it has its own deadline.
    private func begin(_ skus: [String], _ state: inout State) -> Task<Void, any Error> {
        state.begun += 1
        let number = state.begun
        let task = Task { try await self.load(skus, number) }
        for sku in skus { state.fetches[sku] = Fetch(number: number, task: task) }
        return task
    }

    private func load(_ skus: [String], _ number: UInt64) async throws {
        let startedAt = time.now
        do {
            let items = try await catalogue.items(skus, deadline: startedAt.advanced(by: fetchTimeout))
            state.withLock { state in
                state.cache.store(items, asked: skus, startedAt: startedAt)
                state.end(skus, number)
            }
        } catch {
            state.withLock { state in
                state.cache.refreshFailed(skus)
                state.end(skus, number)
            }
            log.debug("prices could not be fetched", ["error": .error(error)])
            throw error
        }
    }
}

extension PriceBook.State {
    /// A later fetch of the same SKU goes on.
    fileprivate mutating func end(_ skus: [String], _ number: UInt64) {
        for sku in skus where fetches[sku]?.number == number { fetches[sku] = nil }
    }
}

import Clocks
import Synchronization
import Telemetry

/// Prices for orders: from memory while they are young enough, else from the catalogue.
///
/// However many orders want the same price at once, it is fetched once. Who finds that a fetch begun earlier did
/// not know an item asks again, for the item may have been added since.
final class PriceBook: Sendable {
    private struct State {
        var cache: PriceCache
        var fetches: [String: Task<Void, any Error>] = [:]
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
        let others = state.withLock { state in found.missing.compactMap { state.fetches[$0] } }
        if !others.isEmpty {
            for other in others { _ = try? await other.value }
            try Task.checkCancellation()
            found = find(skus)
            guard !found.missing.isEmpty else { return found.items }
        }
        try await fetch(found.missing).value
        return find(skus).items
    }

    private func find(_ skus: [String]) -> PriceCache.Found {
        state.withLock { $0.cache.find(skus, now: time.now) }
    }

    /// Fetches behind the scenes; if that fails, the next order that needs it tries again.
    private func refresh(_ skus: [String]) {
        _ = fetch(skus)
    }

    /// A fetch belongs to all who wait for it, so the one who began it must not cancel it: it has its own deadline.
    private func fetch(_ skus: [String]) -> Task<Void, any Error> {
        state.withLock { state in
            let task = Task { try await self.load(skus) }
            for sku in skus { state.fetches[sku] = task }
            return task
        }
    }

    private func load(_ skus: [String]) async throws {
        let startedAt = time.now
        do {
            let items = try await catalogue.items(skus, deadline: startedAt.advanced(by: fetchTimeout))
            state.withLock { state in
                state.cache.store(items, asked: skus, startedAt: startedAt)
                for sku in skus { state.fetches[sku] = nil }
            }
        } catch {
            state.withLock { state in
                state.cache.refreshFailed(skus)
                for sku in skus { state.fetches[sku] = nil }
            }
            log.debug("prices could not be fetched", ["error": .error(error)])
            throw error
        }
    }
}

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
        let first = look(skus, begunSince: 0)
        guard !first.isComplete else { return first.items }
        guard !first.joined.isEmpty else {
            try await first.own?.value
            return look(skus, begunSince: nil).items
        }
        for other in first.joined { _ = try? await other.value }
        try await first.own?.value
        try Task.checkCancellation()
        // What was begun since we came is as good as a fetch of our own.
        let second = look(skus, begunSince: first.begun)
        guard !second.isComplete else { return second.items }
        for other in second.joined { try await other.value }
        try await second.own?.value
        return look(skus, begunSince: nil).items
    }

    /// What one look found, and who fetches the rest.
    private struct Look {
        var items: [String: CatalogueItem]
        var isComplete: Bool
        /// Fetches of others that are under way.
        var joined: [Task<Void, any Error>] = []
        var own: Task<Void, any Error>?
        var begun: UInt64
    }

    /// Looks into memory and, for what is not there, joins the fetches under way that began after the first `begunSince`,
    /// and begins one for the rest; nil begins nothing. All under one lock, so that two callers cannot both begin. What is
    /// ageing is fetched behind the scenes; if that fails, the next order that needs it tries again.
    private func look(_ skus: [String], begunSince: UInt64?) -> Look {
        state.withLock { state in
            let found = state.cache.find(skus, now: time.now)
            if !found.stale.isEmpty { _ = begin(found.stale, &state) }
            var look = Look(items: found.items, isComplete: found.missing.isEmpty, begun: state.begun)
            guard let begunSince else { return look }
            var joined: [UInt64: Task<Void, any Error>] = [:]
            var rest: [String] = []
            for sku in found.missing {
                if let fetch = state.fetches[sku], fetch.number > begunSince {
                    joined[fetch.number] = fetch.task
                } else {
                    rest.append(sku)
                }
            }
            look.joined = Array(joined.values)
            if !rest.isEmpty { look.own = begin(rest, &state) }
            return look
        }
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

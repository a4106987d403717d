import Clocks
import Resilience
import ServiceChassis
import Telemetry

/// Prices for orders: from memory while they are young enough, else from the catalogue.
///
/// A price is never served longer than 4.5 seconds after it has changed, not even while the catalogue is away: an order
/// must not be taken at a price that nobody may ask any more. An item that the catalogue does not know is never
/// remembered, so that a new item can be ordered at once.
///
/// The cache is the policy library's alone, not its `CachedPipeline`: the catalogue's caller is a pipeline already, of the
/// kind that knows several endpoints, with the breaker, places and budget that all calls to inventory-service share.
final class PriceBook: Sendable {
    private static let operation = "price-quote"

    private let cache: StaleCache<String, CatalogueItem>

    /// - Parameter servedFallback: called when a price is served from memory because the catalogue cannot be asked.
    init(
        catalogue: any Catalogue, time: any TimeSource, log: Logger, servedFallback: @escaping @Sendable () -> Void = {}
    ) {
        var configuration = StaleCacheConfiguration()
        configuration.freshAge = .seconds(1)
        configuration.staleAge = .milliseconds(4500)
        configuration.errorAge = configuration.staleAge
        configuration.fetchTimeout = .seconds(2)
        // As many as the catalogue answers for at once.
        configuration.refreshBatch = 100
        let observer: ResilienceObserver = { event in
            if case .fallbackUsed = event { servedFallback() }
        }
        cache = StaleCache(
            name: Self.operation, configuration: configuration, time: time, observer: observer
        ) { skus, deadline in
            do {
                let items = try await catalogue.items(skus, deadline: deadline.instant)
                return Dictionary(items.map { ($0.sku, $0) }) { _, last in last }
            } catch {
                log.debug("prices could not be fetched", ["error": .error(error)])
                throw error
            }
        }
    }

    /// The items of these SKUs; what the catalogue does not know is left out. Takes at most four seconds, and ends at
    /// the task's deadline.
    ///
    /// - Throws: what the catalogue throws, when an item is not in memory and cannot be fetched.
    func items(_ skus: [String]) async throws -> [String: CatalogueItem] {
        do {
            return try await cache.values(for: skus).mapValues(\.value)
        } catch is Rejection {
            throw CallError.deadlineExceeded(operation: Self.operation, mayHaveBeenSent: false)
        }
    }
}

import Clocks
import Postgres
import ServiceChassis
import Synchronization
import Telemetry

/// How far the view is behind the orders, looked at once in a while for metrics.
final class OrderViewCensus: Sendable {
    private static let interval = Duration.seconds(5)

    private let postgres: PostgresClient
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex((pending: 0, lag: 0.0))

    /// Declares the metrics, so that they are there from the start.
    init(_ postgres: PostgresClient, _ feed: OrderFeed, _ chassis: Chassis) {
        self.postgres = postgres
        time = chassis.time
        logger = chassis.logger
        let registry = chassis.metrics.registry
        registry.observedGauge("order_view_pending", help: "Status changes that lists do not show yet.", labels: []) {
            [self] in [MetricSample([], state.withLock(\.pending))]
        }
        registry.observedGauge(
            "order_view_lag_seconds", help: "Age of the oldest status change that lists do not show yet.", labels: []
        ) { [self] in [MetricSample([], state.withLock(\.lag))] }
        registry.observedGauge("event_streams", help: "Clients that follow events at this replica.", labels: []) {
            [MetricSample([], feed.followers)]
        }
    }

    /// The part that looks.
    var part: any Service {
        ClosureService.periodic("order-view-census", every: Self.interval, time: time, logger: logger) { [self] in
            let row = try await postgres.query(
                OrderViewStatements.census, deadline: time.now.advanced(by: .seconds(5)))[0]
            let (pending, lag) = (Int(try row.int8(0)), max(0, try row.double(1)))
            state.withLock { $0 = (pending, lag) }
        }
    }
}

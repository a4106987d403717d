import Clocks
import Postgres
import Saga
import SagaRuntime
import ServiceChassis
import Synchronization
import Telemetry

/// How many sagas there are in each status, counted once in a while for the metric `sagas`.
final class SagaCensus: Sendable {
    private static let interval = Duration.seconds(5)

    private let postgres: PostgresClient
    private let time: any TimeSource
    private let logger: Logger
    private let counts = Mutex<[SagaState.Status: Int]>([:])

    /// Declares the metric, so that it is there from the start.
    init(_ postgres: PostgresClient, _ chassis: Chassis) {
        self.postgres = postgres
        time = chassis.time
        logger = chassis.logger
        chassis.metrics.registry.observedGauge("sagas", help: "Sagas by status.", labels: ["status"]) { [self] in
            let counts = counts.withLock { $0 }
            return SagaState.Status.allCases.map { MetricSample([$0.rawValue], counts[$0] ?? 0) }
        }
    }

    /// The part that counts.
    var part: any Service {
        ClosureService.periodic("saga-census", every: Self.interval, time: time, logger: logger) { [self] in
            let rows = try await postgres.query(
                SagaStatements.countByStatus, deadline: time.now.advanced(by: .seconds(5)))
            var fresh: [SagaState.Status: Int] = [:]
            for row in rows { fresh[try row.rawValue(0)] = Int(try row.int8(1)) }
            let counted = fresh
            counts.withLock { $0 = counted }
        }
    }
}

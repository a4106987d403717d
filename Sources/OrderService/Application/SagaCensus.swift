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
    private let process: PlaceOrderProcess
    private let counts = Mutex<[SagaState.Status: Int]>([:])
    private let unknown = Mutex(Unknown())

    private struct Unknown {
        var counts: [Int: Int] = [:]
        var lastSaid: MonotonicInstant?
    }

    /// Declares the metric, so that it is there from the start.
    init(_ postgres: PostgresClient, _ process: PlaceOrderProcess, _ chassis: Chassis) {
        self.postgres = postgres
        self.process = process
        time = chassis.time
        logger = chassis.logger
        chassis.metrics.registry.observedGauge("sagas", help: "Sagas by status.", labels: ["status"]) { [self] in
            let counts = counts.withLock { $0 }
            return SagaState.Status.allCases.map { MetricSample([$0.rawValue], counts[$0] ?? 0) }
        }
        chassis.metrics.registry.observedGauge(
            "sagas_of_unknown_version", help: "Sagas under way that this process leaves alone, by their version.",
            labels: ["version"]
        ) { [self] in unknown.withLock { $0.counts }.map { MetricSample([String($0.key)], $0.value) } }
    }

    /// The part that counts.
    var part: any Service {
        ClosureService.periodic("saga-census", every: Self.interval, time: time, logger: logger) { [self] in
            let answers = try await postgres.batch(
                [
                    SagaStatements.countByStatus,
                    SagaStatements.unknownVersions(process.definition.name, known: process.knownVersions),
                ], options: .snapshot, deadline: time.now.advanced(by: .seconds(5)))
            note(try answers[1].map { (version: Int(try $0.int4(0)), count: Int(try $0.int8(1))) })
            let rows = answers[0]
            var fresh: [SagaState.Status: Int] = [:]
            for row in rows { fresh[try row.rawValue(0)] = Int(try row.int8(1)) }
            let counted = fresh
            counts.withLock { $0 = counted }
        }
    }

    /// Sagas that are left alone are somebody else's work; that nobody does it should not go unheard, once a minute.
    private func note(_ found: [(version: Int, count: Int)]) {
        let now = time.now
        let isTime = unknown.withLock { unknown in
            // A version that was there once stays, with 0.
            for version in unknown.counts.keys { unknown.counts[version] = 0 }
            for (version, count) in found { unknown.counts[version] = count }
            guard !found.isEmpty, unknown.lastSaid.map({ $0.duration(to: now) >= .seconds(60) }) ?? true else {
                return false
            }
            unknown.lastSaid = now
            return true
        }
        guard isTime else { return }
        logger.warning(
            "sagas of versions not known here are left alone",
            ["versions": .list(found.map { .text("\($0.version): \($0.count)") })])
    }
}

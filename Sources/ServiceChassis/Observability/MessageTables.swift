import Clocks
import Messaging
import Postgres
import Synchronization
import Telemetry

/// What waits in a service's outbox, among its parked messages and among its dead letters, counted once a second for metrics.
package final class MessageTables: Sendable {
    private struct Numbers {
        var pending = 0
        var oldest: Timestamp?
        var deadLetters: [(topic: String, count: Int)] = []
        var parked: [(topic: String, count: Int)] = []
    }

    private static let interval = Duration.seconds(1)

    private let client: PostgresClient
    private let time: any TimeSource
    private let logger: Logger
    private let numbers = Mutex(Numbers())

    /// Connects the numbers to the service's metrics.
    package init(_ client: PostgresClient, _ chassis: Chassis) {
        self.client = client
        time = chassis.time
        logger = chassis.logger
        chassis.metrics.observeOutbox(
            pending: { [self] in numbers.withLock(\.pending) }, oldest: { [self] in oldestAge })
        chassis.metrics.observeDeadLetters { [self] in numbers.withLock(\.deadLetters) }
        chassis.metrics.observeParked { [self] in numbers.withLock(\.parked) }
    }

    /// How old the oldest message in the outbox is.
    package var oldestAge: Duration {
        guard let oldest = numbers.withLock(\.oldest) else { return .zero }
        return max(.zero, oldest.duration(to: time.wallNow))
    }

    /// The part that counts; until it has counted again, and while the database is away, the last numbers stand.
    package var part: any Service {
        ClosureService.periodic("message-tables", every: Self.interval, time: time, logger: logger) {
            try await self.count()
        }
    }

    package func count() async throws(PostgresError) {
        let results = try await client.batch(
            [
                Outbox.census, DeadLetter.censusByTopic, ParkingLot.censusByTopic,
            ], options: .snapshot, deadline: time.now.advanced(by: .seconds(2)))
        var new = Numbers()
        new.pending = Int(try results[0][0].int8(0))
        new.oldest = try results[0][0].optionalTimestamp(1)
        for row in results[1] { new.deadLetters.append((try row.text(0), Int(try row.int8(1)))) }
        for row in results[2] { new.parked.append((try row.text(0), Int(try row.int8(1)))) }
        let counted = new
        numbers.withLock { numbers in
            let before = numbers
            numbers = counted
            numbers.deadLetters += Self.gone(before.deadLetters, counted.deadLetters)
            numbers.parked += Self.gone(before.parked, counted.parked)
        }
    }

    /// A topic that was there once stays, with 0: a series that vanishes looks like one that stands still.
    private static func gone(
        _ before: [(topic: String, count: Int)], _ now: [(topic: String, count: Int)]
    ) -> [(topic: String, count: Int)] {
        before.filter { old in !now.contains { $0.topic == old.topic } }.map { ($0.topic, 0) }
    }
}

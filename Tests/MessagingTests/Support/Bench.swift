import Clocks
import Contracts
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Messaging

/// A process that handles messages on a real database: its pool, its outbox, its relay and an in-memory broker.
struct Bench: Sendable {
    static let schema = Migration(
        version: 100, name: "create_effects",
        sql: """
            CREATE TABLE effects (place bigint GENERATED ALWAYS AS IDENTITY, text text NOT NULL);
            CREATE UNIQUE INDEX unique_effects ON effects (text) WHERE text LIKE 'unique%';
            """)

    let configuration: PostgresConfiguration
    let client: PostgresClient
    let outbox: Outbox
    let publisher: RecordingPublisher
    let relay: OutboxRelay
    let unitOfWork: UnitOfWork
    let messages: MessageFactory

    init(
        _ database: TestDatabase, owner: Int64 = 1, publisher: RecordingPublisher = RecordingPublisher(),
        ownRowAge: Duration = .seconds(60), deletionInterval: Duration = .milliseconds(5),
        change: (inout PostgresConfiguration) -> Void = { _ in }
    ) {
        var configuration = PostgresConfiguration(
            host: database.host, port: database.port, user: database.user, database: database.name)
        configuration.maximumConnections = 4
        change(&configuration)
        let time = SystemTime()
        self.configuration = configuration
        client = PostgresClient(configuration: configuration, time: time, random: SeededRandom(seed: 7))
        outbox = Outbox(owner: owner)
        self.publisher = publisher
        var rhythm = OutboxRelay.Configuration()
        rhythm.sweepInterval = .milliseconds(30)
        rhythm.ownRowAge = ownRowAge
        rhythm.deletionInterval = deletionInterval
        rhythm.minimumBackoff = .milliseconds(5)
        relay = OutboxRelay(
            outbox: outbox, service: "test", postgres: client, publisher: publisher, configuration: rhythm,
            time: time, log: .silent)
        unitOfWork = UnitOfWork(postgres: client, outbox: outbox, relay: relay)
        messages = MessageFactory(service: "test", time: time, random: SystemRandom())
    }

    /// Runs `body` with a process on a new database that has the tables.
    ///
    /// - Parameter ownRowAge: rows this young are not read back. Reading back may meet a row that is just being removed,
    ///   which is then published twice; only a test about reading back wants that.
    static func with(
        relayRuns: Bool = true, publisher: RecordingPublisher = RecordingPublisher(),
        ownRowAge: Duration = .seconds(60), deletionInterval: Duration = .milliseconds(5),
        _ body: @Sendable (Bench, TestDatabase) async throws -> Void
    ) async throws {
        try await TestPostgres.withDatabase { database in
            let bench = Bench(database, publisher: publisher, ownRowAge: ownRowAge, deletionInterval: deletionInterval)
            defer { bench.client.close() }
            _ = try await Migrator(bench.client, MessagingSchema.migrations + [schema]).apply(deadline: soon())
            if relayRuns {
                try await bench.withRelay { try await body(bench, database) }
            } else {
                try await body(bench, database)
            }
        }
    }

    /// Runs `body` while the relay works.
    func withRelay(_ body: () async throws -> Void) async throws {
        let running = Task { [relay] in await relay.run() }
        do { try await body() } catch {
            running.cancel()
            await running.value
            throw error
        }
        running.cancel()
        await running.value
    }

    func processor(_ handler: any MessageHandler, attempts: Int = 3) -> MessageProcessor {
        var configuration = MessageProcessor.Configuration()
        configuration.minimumBackoff = .milliseconds(5)
        configuration.parking.attempts = attempts
        return MessageProcessor(
            handler: handler, unitOfWork: unitOfWork, messages: messages, configuration: configuration,
            time: SystemTime(), log: .silent)
    }

    /// A message as it would arrive from a topic of ours.
    func incoming(_ text: String, order: UUID? = nil, id: UUID? = nil, offset: Int64 = 0) -> IncomingMessage {
        let message = outgoing(text, order: order, id: id)
        return IncomingMessage(
            envelope: message.envelope, origin: MessageOrigin(topic: message.topic, partition: 0, offset: offset))
    }

    func outgoing(_ text: String, order: UUID? = nil, id: UUID? = nil) -> OutgoingMessage {
        messages.message(
            to: .inventoryCommands, type: "test.v1", orderID: order ?? messages.newID(at: messages.wallNow), id: id,
            payload: Array(text.utf8))
    }

    /// The effects in the order they were written.
    func effects() async throws -> [String] {
        try await client.query(Statement("SELECT text FROM effects ORDER BY place")).map { try $0.text(0) }
    }

    /// The texts of the parked messages, in order.
    func parked() async throws -> [String] {
        try await client.query(Statement("SELECT payload FROM parked_messages ORDER BY topic, order_id, place")).map {
            String(decoding: try $0.bytes(0), as: UTF8.self)
        }
    }

    /// The parked messages of a processor; what is parked can be made due with ``makeDue()``.
    func lot(_ processor: MessageProcessor) -> ParkingLot {
        ParkingLot([.inventoryCommands: processor], unitOfWork: unitOfWork, time: SystemTime())
    }

    func makeDue() async throws {
        _ = try await client.query(Statement("UPDATE parked_keys SET due_at = clock_timestamp()"))
    }

    /// Makes all keys due and tries each once.
    func tryParked(_ lot: ParkingLot) async throws {
        try await makeDue()
        for claim in try await lot.claim(limit: 100) { await lot.retry(claim) }
    }

    func count(_ table: String) async throws -> Int64 {
        try await client.query(Statement("SELECT count(*) FROM \(table)"))[0].int8(0)
    }

    /// What has an effect with this text.
    static func effect(_ texts: [String]) -> Statement {
        Statement("INSERT INTO effects (text) SELECT * FROM unnest($1::text[])", [.texts(texts)])
    }
}

/// Writes down each message's text and answers with it.
struct EchoHandler: MessageHandler {
    struct Refusal: Error, CustomStringConvertible {
        var description: String { "this one cannot be handled" }
    }

    let messages: MessageFactory
    /// The text that makes it throw.
    var poison = "poison"
    /// The text that it refuses for good.
    var refused = "refused"

    func reads(for _: [IncomingMessage]) -> [Statement] { [] }

    func handle(_ batch: [IncomingMessage], rows _: [Rows]) throws -> HandledBatch {
        var handled = HandledBatch()
        var texts: [String] = []
        for message in batch {
            let text = String(decoding: message.envelope.payload, as: UTF8.self)
            if text == poison { throw Refusal() }
            if text == refused {
                handled.refused[message.envelope.id] = "refused for good"
                continue
            }
            texts.append(text)
            // Another process would answer otherwise: the recorded answer must be the one that is given again.
            handled.replies[message.envelope.id] = messages.message(
                to: .sagaReplies, type: MessageType.commandReply, orderID: message.envelope.orderID,
                payload: Array("re: \(text) \(SystemRandom().next())".utf8))
        }
        handled.writes = [Bench.effect(texts)]
        return handled
    }
}

func soon(_ duration: Duration = .seconds(10)) -> MonotonicInstant { SystemTime().now.advanced(by: duration) }

/// Waits until a condition holds that no event tells of.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = soon(limit)
    while try await !condition() {
        guard SystemTime().now < end else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        try await SystemTime().sleep(for: .milliseconds(5))
    }
}

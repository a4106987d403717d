import Clocks
import Contracts
import Messaging
import Postgres
import Resilience
import Saga
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import SagaRuntime

/// A process about parcels: two steps that can be undone, a pivot, and one that goes through in the end.
struct ParcelProcess: SagaProcess {
    struct Unreadable: Error {}

    let definition: SagaDefinition
    let earlierDefinitions: [SagaDefinition]
    let messages: MessageFactory
    /// Makes every command fail while set: a crash between the reads and the commit.
    let isBroken = Switch()
    /// Run on the connection's thread while a command is made, with the saga's row locked.
    let interruption = Interruption()
    /// Details that cannot be read.
    static let unreadable = "unreadable"

    final class Interruption: Sendable {
        private let body = Mutex<(@Sendable () -> Void)?>(nil)
        func set(_ new: @escaping @Sendable () -> Void) { body.withLock { $0 = new } }
        func run() { body.withLock { $0 }?() }
    }

    final class Switch: Sendable {
        private let state = Mutex(false)
        var isOn: Bool { state.withLock { $0 } }
        func set(_ isOn: Bool) { state.withLock { $0 = isOn } }
    }

    init(version: Int = 1, earlier: [Int] = [], messages: MessageFactory) throws {
        self.messages = messages
        definition = try Self.definition(version)
        earlierDefinitions = try earlier.map { try Self.definition($0) }
    }

    /// Version 2 does not weigh any more.
    private static func definition(_ version: Int) throws -> SagaDefinition {
        let weigh = SagaStep.compensatable("weigh", undoneBy: "unweigh")
        return try SagaDefinition(
            "parcel", version: version,
            steps: [.compensatable("pack", undoneBy: "unpack")] + (version == 1 ? [weigh] : []) + [
                .pivot("seal"), .retriable("send"),
            ])
    }

    func loadDetails(of sagas: [UUID]) -> Statement {
        Statement("SELECT id, text FROM parcels WHERE id = ANY($1::uuid[])", [.uuids(sagas)])
    }

    func details(_ row: Row) throws -> (saga: UUID, details: String) {
        let text = try row.text(1)
        if text == Self.unreadable { throw Unreadable() }
        return (try row.uuid(0), text)
    }

    func command(
        _ name: String, id: UUID, saga: UUID, _ details: String, wantedFor: Duration?, trace: TraceHeaders?
    ) throws -> OutgoingMessage {
        if isBroken.isOn { throw Unreadable() }
        interruption.run()
        return messages.message(
            to: .shippingCommands, type: name, orderID: saga, id: id,
            deadline: wantedFor.map { messages.wallNow.advanced(by: $0) }, trace: trace,
            payload: Array(details.utf8))
    }

    func dependency(of command: String) -> String? { "post-office" }

    func perform(_ step: String, for sagas: [UUID], now: Timestamp) -> SagaEffects {
        SagaEffects(writes: [Self.note(step, sagas)])
    }

    func conclude(_ ended: [EndedSaga], now: Timestamp) -> SagaEffects {
        SagaEffects(
            writes: ended.map { saga in
                switch saga.outcome {
                case .completed: Self.note("completed", [saga.id])
                case .compensated(let reason): Self.note("compensated: \(reason)", [saga.id])
                }
            })
    }

    private static func note(_ text: String, _ sagas: [UUID]) -> Statement {
        Statement(
            "UPDATE parcels SET notes = notes || $1::text WHERE id = ANY($2::uuid[])", [.text(text), .uuids(sagas)])
    }
}

/// The broker of these tests: nothing is published, so that what was said stays in the outbox to be looked at.
struct NoPublisher: MessagePublisher {
    func publish(_ messages: [OutgoingMessage], deadline _: MonotonicInstant) async -> [PublishFailure?] {
        messages.map { _ in PublishFailure(message: "nobody is there", isRetriable: true) }
    }
}

/// A process that runs sagas on a real database.
struct SagaBench: Sendable {
    static let schema = Migration(
        version: 100, name: "create_parcels",
        sql: "CREATE TABLE parcels (id uuid PRIMARY KEY, text text NOT NULL, notes text[] NOT NULL DEFAULT '{}')")

    let client: PostgresClient
    let messages: MessageFactory
    let process: ParcelProcess
    let unitOfWork: UnitOfWork
    let coordinator: SagaCoordinator<ParcelProcess>
    let processor: MessageProcessor

    init(
        _ database: TestDatabase, owner: Int64 = 1, version: Int = 1, earlier: [Int] = [], budgets: RetryBudgets? = nil,
        channels: (any CommandChannels)? = nil, time: any TimeSource = SystemTime()
    ) throws {
        var configuration = PostgresConfiguration(
            host: database.host, port: database.port, user: database.user, database: database.name)
        configuration.maximumConnections = 4
        client = PostgresClient(configuration: configuration, time: time, random: SeededRandom(seed: 3))
        messages = MessageFactory(service: "test", time: time, random: SystemRandom())
        process = try ParcelProcess(version: version, earlier: earlier, messages: messages)
        let outbox = Outbox(owner: owner)
        unitOfWork = UnitOfWork(
            postgres: client, outbox: outbox,
            relay: OutboxRelay(
                outbox: outbox, service: "test", postgres: client, publisher: NoPublisher(), time: time, log: .silent))
        coordinator = SagaCoordinator(
            process: process, postgres: client, unitOfWork: unitOfWork, channels: channels, budgets: budgets,
            time: time,
            random: SeededRandom(seed: 5), log: .silent)
        processor = MessageProcessor(
            handler: coordinator, unitOfWork: unitOfWork, messages: messages, usesInbox: false, time: time,
            log: .silent)
    }

    static func with(
        budgets: RetryBudgets? = nil, channels: (any CommandChannels)? = nil,
        _ body: @Sendable (SagaBench, TestDatabase) async throws -> Void
    ) async throws {
        try await TestPostgres.withDatabase { database in
            let bench = try SagaBench(database, budgets: budgets, channels: channels)
            defer { bench.client.close() }
            _ = try await Migrator(bench.client, MessagingSchema.migrations + SagaSchema.migrations + [schema])
                .apply(deadline: soon)
            try await body(bench, database)
        }
    }

    static var soon: MonotonicInstant { SystemTime().now.advanced(by: .seconds(10)) }

    /// Starts sagas about new parcels.
    func start(_ count: Int) async throws -> [UUID] {
        let ids = (0..<count).map { _ in messages.newID(at: messages.wallNow) }
        let coordinator = coordinator
        try await unitOfWork.run(reads: [SagaStatements.now], deadline: Self.soon) { rows in
            let effects = try coordinator.start(
                ids.map { (id: $0, details: "parcel", trace: TraceHeaders()) }, now: try rows[0][0].timestamp(0))
            let parcels = Statement(
                "INSERT INTO parcels (id, text) SELECT id, 'parcel' FROM unnest($1::uuid[]) AS id", [.uuids(ids)])
            return UnitOfWork.Decision(
                writes: [parcels] + effects.writes, outgoing: effects.outgoing, afterCommit: effects.afterCommit,
                result: ())
        }
        return ids
    }

    func reply(
        _ command: String, _ outcome: CommandReply.Outcome = .succeeded, reason: Reason? = nil, to saga: UUID
    ) -> IncomingMessage {
        let reply = CommandReply(orderID: saga, command: command, outcome: outcome, reason: reason)
        return IncomingMessage(
            envelope: messages.reply(reply).envelope,
            origin: MessageOrigin(
                topic: "saga.replies", partition: 0, offset: Int64(messages.newID(at: messages.wallNow).low >> 2)))
    }

    /// Makes sagas due, as if their wait were over.
    func makeDue(_ sagas: [UUID]) async throws {
        _ = try await client.query(
            Statement(
                "UPDATE sagas SET due_at = now() - interval '1 s' WHERE id = ANY($1::uuid[]) AND due_at IS NOT NULL",
                [.uuids(sagas)]))
    }

    /// What was said, in order: `(type, id, order)`.
    func said(about saga: UUID? = nil) async throws -> [(type: String, id: UUID, saga: UUID)] {
        try await client.query(Statement("SELECT type, id, order_id FROM outbox_messages ORDER BY sequence"))
            .map { (try $0.text(0), try $0.uuid(1), try $0.uuid(2)) }
            .filter { saga == nil || $0.2 == saga }
    }

    /// For how many seconds each thing said about a saga was wanted when it was said, in order.
    func patience(_ saga: UUID) async throws -> [Double?] {
        try await client.query(
            Statement(
                """
                SELECT coalesce(extract(epoch FROM deadline - time), -1)::float8 FROM outbox_messages
                WHERE order_id = $1::uuid ORDER BY sequence
                """, [.uuid(saga)])
        ).map { row in
            let seconds = try row.double(0)
            return seconds < 0 ? nil : seconds
        }
    }

    /// The journal in one line an entry: `pack action succeeded 1`.
    func journal(_ saga: UUID) async throws -> [String] {
        try await client.query(JournalStatements.journal(of: saga)).map {
            let entry = try JournalStatements.entry($0)
            return "\(entry.step) \(entry.kind) \(entry.status) \(entry.attempts)"
        }
    }

    /// The whole row and journal as text, to see that nothing changed.
    func picture(_ saga: UUID) async throws -> [String] {
        try await client.query(
            Statement(
                """
                SELECT s::text FROM sagas s WHERE id = $1::uuid
                UNION ALL SELECT j::text FROM saga_steps j WHERE saga_id = $1::uuid
                UNION ALL SELECT o::text FROM outbox_messages o WHERE order_id = $1::uuid
                UNION ALL SELECT p::text FROM parcels p WHERE id = $1::uuid
                """, [.uuid(saga)])
        ).map { try $0.text(0) }.sorted()
    }

    func status(_ saga: UUID) async throws -> String {
        try await client.query(Statement("SELECT status FROM sagas WHERE id = $1::uuid", [.uuid(saga)]))[0].text(0)
    }

    func notes(_ saga: UUID) async throws -> String {
        try await client.query(
            Statement("SELECT array_to_string(notes, ', ') FROM parcels WHERE id = $1::uuid", [.uuid(saga)]))[0].text(0)
    }
}

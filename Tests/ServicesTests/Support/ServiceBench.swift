import Clocks
import Contracts
import Messaging
import Postgres
import Telemetry
import TestSupport
import Testing

/// The broker of these tests: it takes nothing, so that what was said stays in the outbox.
struct SilentPublisher: MessagePublisher {
    func publish(_ messages: [OutgoingMessage], deadline _: MonotonicInstant) async -> [PublishFailure?] {
        messages.map { _ in PublishFailure(message: "nobody is there", isRetriable: true) }
    }
}

/// A process of a service on a real database. What it says stays in its outbox, to be looked at.
struct ServiceBench: Sendable {
    let client: PostgresClient
    let messages: MessageFactory
    let unitOfWork: UnitOfWork
    let time = SystemTime()

    init(_ database: TestDatabase, owner: Int64 = 1, change: (inout PostgresConfiguration) -> Void = { _ in }) {
        var configuration = PostgresConfiguration(
            host: database.host, port: database.port, user: database.user, database: database.name)
        configuration.maximumConnections = 6
        change(&configuration)
        client = PostgresClient(configuration: configuration, time: time, random: SeededRandom(seed: 11))
        messages = MessageFactory(service: "test", time: time, random: SystemRandom())
        let outbox = Outbox(owner: owner)
        unitOfWork = UnitOfWork(
            postgres: client, outbox: outbox,
            relay: OutboxRelay(
                outbox: outbox, service: "test", postgres: client, publisher: SilentPublisher(), time: time,
                log: .silent))
    }

    static func with(
        _ migrations: [Migration], _ body: @Sendable (ServiceBench, TestDatabase) async throws -> Void
    ) async throws {
        try await TestPostgres.withDatabase { database in
            let bench = ServiceBench(database)
            defer { bench.client.close() }
            _ = try await Migrator(bench.client, migrations).apply(deadline: bench.soon)
            try await body(bench, database)
        }
    }

    var soon: MonotonicInstant { time.now.advanced(by: .seconds(10)) }

    func processor(_ handler: any MessageHandler, usesInbox: Bool = true) -> MessageProcessor {
        MessageProcessor(
            handler: handler, unitOfWork: unitOfWork, messages: messages, usesInbox: usesInbox, time: time, log: .silent
        )
    }

    func newOrder() -> UUID { messages.newID(at: messages.wallNow) }

    func command(_ type: String, to topic: Topic, _ order: UUID, _ payload: [UInt8]) -> IncomingMessage {
        let message = messages.message(to: topic, type: type, orderID: order, payload: payload)
        return IncomingMessage(
            envelope: message.envelope,
            origin: MessageOrigin(topic: topic.rawValue, partition: 0, offset: Int64(message.envelope.id.low >> 2)))
    }

    /// The replies about an order in order of saying: `charge-payment succeeded`.
    func replies(_ order: UUID) async throws -> [String] {
        try await client.query(
            Statement(
                "SELECT payload FROM outbox_messages WHERE order_id = $1::uuid AND topic = 'saga.replies' ORDER BY sequence",
                [.uuid(order)])
        ).map {
            let reply = try CommandReply(decoding: try $0.bytes(0))
            return "\(reply.command) \(reply.outcome.rawValue)\(reply.reason.map { " " + $0.rawValue } ?? "")"
        }
    }

    /// The types of the other messages about an order in order of saying.
    func events(_ order: UUID) async throws -> [String] {
        try await client.query(
            Statement(
                "SELECT type FROM outbox_messages WHERE order_id = $1::uuid AND topic <> 'saga.replies' ORDER BY sequence",
                [.uuid(order)])
        ).map { try $0.text(0) }
    }

    /// The single value of a query, as text.
    func value(_ sql: String, _ parameters: [Parameter] = []) async throws -> String {
        try await client.query(Statement(sql, parameters))[0].text(0)
    }

    func run(_ sql: String) async throws {
        _ = try await client.query(Statement(sql))
    }

    /// Waits until a condition holds that no event tells of.
    func eventually(
        _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
    ) async throws {
        let end = soon
        while try await !condition() {
            guard time.now < end else {
                Issue.record(what, sourceLocation: sourceLocation)
                return
            }
            try await time.sleep(for: .milliseconds(5))
        }
    }
}

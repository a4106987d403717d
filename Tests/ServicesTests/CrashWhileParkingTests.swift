import Clocks
import Contracts
import Kafka
import LocalStack
import Messaging
import Postgres
import TestSupport
import Testing

/// A service that dies after it has parked messages and before Kafka knows that they were handled.
@Suite("A crash between parking and the offset", .timeLimit(.minutes(2)))
struct CrashWhileParkingTests {
    private static let time = SystemTime()
    private static let topic = Topic.shippingCommands.rawValue

    private struct Place: Sendable {
        let broker: TestBroker
        let database: TestDatabase
        let client: PostgresClient
        let messages = MessageFactory(service: "order-service", time: SystemTime(), random: SystemRandom())

        /// shipping-service on this place's database and broker.
        func start(_ more: [String: String] = [:]) async throws -> ChildProcess {
            let settings = ProcessTests.settings.merging([
                "DATABASE_URL": database.url, "KAFKA_BOOTSTRAP": broker.bootstrap,
            ]) { $1 }
            return try await ProcessTests.start("shipping-service", [], settings.merging(more) { $1 }).child
        }

        func publish(_ records: [KafkaRecord]) async throws {
            let producer = try KafkaProducer(
                configuration: KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test"), time: SystemTime())
            for result in await producer.send(records) { _ = try result.get() }
            await producer.close(patience: .seconds(5))
        }

        func record(_ type: String, _ order: UUID, _ payload: [UInt8]) -> KafkaRecord {
            let envelope = messages.message(to: .shippingCommands, type: type, orderID: order, payload: payload)
                .envelope
            return KafkaRecord(
                topic: CrashWhileParkingTests.topic, key: envelope.kafkaKey,
                headers: envelope.kafkaHeaders.map { ($0.name, $0.value) }, value: payload)
        }

        func booking(_ order: UUID) -> KafkaRecord {
            let address = Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: "DE")
            let command = BookShipment(orderID: order, shipTo: address, lines: [OrderLine(sku: "A", quantity: 1)])
            return record(MessageType.bookShipment, order, command.encoded)
        }

        func cancellation(_ order: UUID) -> KafkaRecord {
            record(MessageType.cancelShipment, order, CancelShipment(orderID: order).encoded)
        }

        /// The single value of a query, as text; nil while the table is not there.
        func value(_ sql: String) async throws -> String? {
            try? await client.query(Statement(sql))[0].text(0)
        }

        func eventually(_ wanted: String, _ sql: String, sourceLocation: SourceLocation = #_sourceLocation) async throws
        {
            let end = SystemTime().now.advanced(by: .seconds(40))
            var seen: String?
            while SystemTime().now < end {
                seen = try await value(sql)
                if seen == wanted { return }
                try await SystemTime().sleep(for: .milliseconds(20))
            }
            Issue.record("\(sql): \(seen ?? "nothing") and not \(wanted)", sourceLocation: sourceLocation)
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        let broker = try await TestBroker.start()
        let database = try await TestPostgres.database()
        let client = PostgresClient(
            configuration: PostgresConfiguration(
                host: database.host, port: database.port, user: database.user, database: database.name),
            time: Self.time, random: SystemRandom())
        do {
            try await body(Place(broker: broker, database: database, client: client))
        } catch {
            client.close()
            await broker.stop()
            throw error
        }
        client.close()
        await broker.stop()
    }

    @Test("nothing is parked twice, and what follows is handled in its order")
    func parkedOnce() async throws {
        try await with { place in
            let (order, other) = (
                UUID.version7(at: Self.time.wallNow, random: SystemRandom()),
                place.messages.newID(at: Self.time.wallNow)
            )
            let poison = KafkaRecord(topic: Self.topic, key: Array(order.description.utf8), value: [0xFF, 0xFE])
            try await place.publish([poison, place.cancellation(order), place.booking(other)])

            let doomed = try await place.start(["FAULT_INJECTION": "on", "CRASH_AT": "before-offset-commit"])
            #expect(try await doomed.exit() == .signal(9))
            #expect(try await place.value("SELECT min(repeats)::text FROM parked_messages") == "0")

            // Whoever comes next reads them once more: a repeat of what waits.
            let second = try await place.start(["PARKING_ATTEMPTS": "1000", "PARKING_MAX_SECONDS": "1"])
            try await place.eventually("2 1", "SELECT count(*) || ' ' || min(repeats) FROM parked_messages")
            try await place.publish([place.booking(order)])
            try await place.eventually("3", "SELECT count(*)::text FROM parked_messages")
            #expect(
                try await place.value(
                    "SELECT string_agg(coalesce(trouble, 'waits'), ' ' ORDER BY place) FROM parked_messages")
                    == "unreadable waits waits")
            #expect(try await place.value("SELECT count(*)::text FROM dead_letters") == "0")
            try await place.eventually("1", "SELECT count(*)::text FROM shipments WHERE order_id = '\(other)'")
            await second.stop(patience: .seconds(20))

            // The head is given up, and the cancellation comes before the booking as it was sent: nothing is booked.
            let third = try await place.start(["PARKING_ATTEMPTS": "1"])
            try await place.eventually("0", "SELECT count(*)::text FROM parked_messages")
            #expect(try await place.value("SELECT count(*)::text FROM dead_letters") == "1")
            #expect(
                try await place.value("SELECT count(*)::text FROM voided_orders WHERE order_id = '\(order)'") == "1")
            #expect(try await place.value("SELECT count(*)::text FROM shipments WHERE order_id = '\(order)'") == "0")
            #expect(try await place.value("SELECT count(*)::text FROM shipments") == "1")
            await third.stop(patience: .seconds(20))
        }
    }
}

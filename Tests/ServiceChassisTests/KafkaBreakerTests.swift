import Clocks
import Contracts
import LocalStack
import Messaging
import Postgres
import Resilience
import ServiceChassis
import TestSupport
import Testing

@Suite("Brokers behind their circuit breaker", .timeLimit(.minutes(2)))
struct KafkaBreakerTests {
    private static let time = SystemTime()

    @Test("when the broker dies the circuit opens, messages wait in the outbox, and go out when it is back")
    func outage() async throws {
        let port = Ports.anyFree()
        let broker = try await TestBroker.start(port: port, topics: ["inventory.events": 2])
        try await TestPostgres.withDatabase { database in
            let chassis = DatabaseTests.chassis()
            let settings = try DatabaseTests.settings(database.url)
            var reader = SettingsReader(SettingsSources(environment: ["KAFKA_BOOTSTRAP": "127.0.0.1:\(port)"]))
            let parts = chassis.database(settings, migrations: MessagingSchema.migrations)
            let messaging = try chassis.messaging(KafkaSettings(reading: &reader), settings, parts)
            let log = Recorder<String>()
            let group = ServiceGroup(
                [parts.pool, parts.schema] + messaging.parts, drain: .seconds(5), time: Self.time
            ) { event in
                if case .running = event { log.record("runs") }
            }
            async let outcome = group.run()
            await log.wait(for: "runs")
            func say() async throws {
                let order = messaging.messages.newID(at: messaging.messages.wallNow)
                let message = messaging.messages.event(
                    OrderFact(orderID: order, at: messaging.messages.wallNow), type: MessageType.stockReleased,
                    to: .inventoryEvents)
                try await messaging.unitOfWork.run(reads: [], deadline: Self.time.now.advanced(by: .seconds(5))) { _ in
                    UnitOfWork.Decision(outgoing: [message], result: ())
                }
            }
            func pending() async throws -> Int64 {
                try await parts.client.query(Statement("SELECT count(*) FROM outbox_messages"))[0].int8(0)
            }
            try await say()
            while try await pending() > 0 { try await Self.time.sleep(for: .milliseconds(5)) }

            await broker.stop()
            let died = Self.time.now
            while !messaging.kafkaBreaker.state.refuses { try await Self.time.sleep(for: .milliseconds(5)) }
            let elapsed = died.duration(to: Self.time.now)
            #expect(elapsed < .seconds(5), "it took \(elapsed)")
            #expect(
                DatabaseTests.metrics(chassis).contains(
                    "circuit_breaker_state{service=\"s\",circuit_breaker=\"kafka\"}"))
            for _ in 0..<3 { try await say() }
            #expect(try await pending() == 3)

            let again = try await TestBroker.start(port: port, topics: ["inventory.events": 2])
            while try await pending() > 0 { try await Self.time.sleep(for: .milliseconds(5)) }
            #expect(messaging.kafkaBreaker.state == .closed)
            group.stop()
            #expect(await outcome == .stopped)
            await again.stop()
        }
    }
}

import Clocks
import Contracts
import Kafka
import Messaging
import Postgres
import Synchronization
import Telemetry

/// What a service needs to say and to hear something: the outbox with its relay, and consumers.
package struct MessagingParts: Sendable {
    /// Commits state changes together with the messages they cause.
    package let unitOfWork: UnitOfWork
    /// Makes the service's messages.
    package let messages: MessageFactory
    /// To be started before whatever commits messages: the producer, the proof of life, the relay, the counts.
    package let parts: [any Service]
    private let settings: KafkaSettings
    private let chassis: Chassis

    init(
        unitOfWork: UnitOfWork, messages: MessageFactory, parts: [any Service], settings: KafkaSettings,
        chassis: Chassis
    ) {
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.parts = parts
        self.settings = settings
        self.chassis = chassis
    }

    /// A handler's processor.
    ///
    /// - Parameter usesInbox: false for handlers that recognise repeats by their own state.
    package func processor(_ handler: some MessageHandler, usesInbox: Bool = true) -> MessageProcessor {
        MessageProcessor(
            handler: handler, unitOfWork: unitOfWork, messages: messages, usesInbox: usesInbox, time: chassis.time,
            log: chassis.logger)
    }

    /// The part that reads these topics as a member of the service's group.
    ///
    /// - Throws: `KafkaError` for settings that librdkafka refuses.
    package func consumer(_ processors: [Topic: MessageProcessor]) throws(KafkaError) -> any Service {
        let kafka = try chassis.consumer(
            settings, group: chassis.service, topics: processors.keys.map(\.rawValue).sorted())
        let consumer = MessageConsumer(
            consumer: kafka, processors: processors, time: chassis.time, log: chassis.logger)
        return ClosureService("message-consumer") { life in
            life.ready()
            async let work: Void = consumer.run()
            await life.stopRequested()
            consumer.stop()
            await work
        }
    }
}

extension Chassis {
    /// The service's way to Kafka, over the outbox in its database.
    ///
    /// - Throws: `KafkaError` for settings that librdkafka refuses.
    package func messaging(
        _ settings: KafkaSettings, _ databaseSettings: DatabaseSettings, _ database: Database
    ) throws(KafkaError) -> MessagingParts {
        let owner = Int64(bitPattern: random.next())
        let outbox = Outbox(owner: owner)
        let (producer, producerPart) = try producer(settings)
        let relay = OutboxRelay(
            outbox: outbox, service: service, postgres: database.client, publisher: KafkaPublisher(producer),
            time: time, log: logger)
        let liveness = AdvisorySession(
            key: owner, configuration: .init(databaseSettings, applicationName: service), time: time, random: random)
        let broker = BrokerHealth(producer, self)
        return MessagingParts(
            unitOfWork: UnitOfWork(postgres: database.client, outbox: outbox, relay: relay),
            messages: MessageFactory(service: service, time: time, random: random),
            parts: [
                producerPart, broker.part, Self.livenessPart(liveness), relayPart(relay),
                MessageTables(database.client, self).part,
            ], settings: settings, chassis: self)
    }

    private static func livenessPart(_ session: AdvisorySession) -> any Service {
        ClosureService.untilCancelled("outbox-liveness", ready: { try await session.acquire() }) {
            await session.run()
        }
    }

    private func relayPart(_ relay: OutboxRelay) -> any Service {
        ClosureService("outbox-relay") { [time, settings] life in
            life.ready()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await relay.run() }
                await life.stopRequested()
                // What is committed should not have to wait for another process.
                await relay.flush(deadline: time.now.advanced(by: settings.drain / 4))
                group.cancelAll()
            }
        }
    }
}

/// Whether a broker answers: looked at every few seconds, and told to metrics and health.
///
/// A service is not ready before a broker has answered once. Afterwards an outage does not take it out of service: what
/// it accepts waits in the outbox.
private final class BrokerHealth: Sendable {
    private static let interval = Duration.seconds(5)

    private let producer: KafkaProducer
    private let metrics: StandardMetrics
    private let time: any TimeSource
    private let hasAnswered = Atomic(false)

    init(_ producer: KafkaProducer, _ chassis: Chassis) {
        self.producer = producer
        metrics = chassis.metrics
        time = chassis.time
        metrics.setDependency("broker", isHealthy: false)
        chassis.health.register(
            HealthCheck("broker") { [self] in
                guard hasAnswered.load(ordering: .relaxed) else {
                    throw HealthCheckFailure("no broker has answered yet")
                }
            })
    }

    var part: any Service {
        ClosureService.untilCancelled("broker-health", ready: { [self] in try await waitForAnswer() }) { [self] in
            while true {
                try await time.sleep(for: Self.interval)
                _ = await look()
            }
        }
    }

    private func waitForAnswer() async throws {
        while await !look() { try await time.sleep(for: .milliseconds(100)) }
    }

    private func look() async -> Bool {
        let isReachable = await producer.reachesBroker(timeout: .seconds(1))
        metrics.setDependency("broker", isHealthy: isReachable)
        if isReachable { hasAnswered.store(true, ordering: .relaxed) }
        return isReachable
    }
}

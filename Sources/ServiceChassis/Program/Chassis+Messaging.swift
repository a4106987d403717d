import Clocks
import Contracts
import Kafka
import Messaging
import Postgres
import Resilience
import Synchronization
import Telemetry

/// What a service needs to say and to hear something: the outbox with its relay, and consumers.
package struct MessagingParts: Sendable {
    /// Commits state changes together with the messages they cause.
    package let unitOfWork: UnitOfWork
    /// Makes the service's messages.
    package let messages: MessageFactory
    /// The circuit breaker in front of the brokers; while it refuses, messages wait in the outbox.
    package let kafkaBreaker: CircuitBreaker
    /// To be started before whatever commits messages: the producer, the proof of life, the relay, the counts.
    package let parts: [any Service]
    /// How old the oldest message is that waits to be published, counted once a second.
    package let outboxAge: @Sendable () -> Duration
    /// How long ago the last connection to the brokers was lost; nil for never.
    package let brokerTroubleAge: @Sendable () -> Duration?
    private let deadLetters: DeadLetterDesk
    private let settings: KafkaSettings
    private let chassis: Chassis

    init(
        unitOfWork: UnitOfWork, messages: MessageFactory, kafkaBreaker: CircuitBreaker, parts: [any Service],
        outboxAge: @escaping @Sendable () -> Duration, brokerTroubleAge: @escaping @Sendable () -> Duration?,
        deadLetters: DeadLetterDesk, settings: KafkaSettings, chassis: Chassis
    ) {
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.kafkaBreaker = kafkaBreaker
        self.parts = parts
        self.outboxAge = outboxAge
        self.brokerTroubleAge = brokerTroubleAge
        self.deadLetters = deadLetters
        self.settings = settings
        self.chassis = chassis
    }

    /// A handler's processor.
    ///
    /// - Parameter usesInbox: false for handlers that recognise repeats by their own state.
    package func processor(_ handler: some MessageHandler, usesInbox: Bool = true) -> MessageProcessor {
        var configuration = MessageProcessor.Configuration()
        configuration.parking.attempts = settings.parkingAttempts
        configuration.parking.maximumWait = settings.parkingWait
        let processor = MessageProcessor(
            handler: handler, unitOfWork: unitOfWork, messages: messages, usesInbox: usesInbox,
            configuration: configuration, budget: chassis.retryBudgets.budget(for: "database"), time: chassis.time,
            log: chassis.logger, tracer: chassis.tracer)
        if usesInbox { chassis.metrics.observeLateCommands(processor) }
        return processor
    }

    /// The part that reads these topics as a member of the service's group, and tries again what had to be parked.
    ///
    /// - Throws: `KafkaError` for settings that librdkafka refuses.
    package func consumer(_ processors: [Topic: MessageProcessor]) throws(KafkaError) -> any Service {
        let kafka = try chassis.consumer(
            settings, group: chassis.service, topics: processors.keys.map(\.rawValue).sorted())
        let consumer = MessageConsumer(
            consumer: kafka, processors: processors, time: chassis.time, log: chassis.logger)
        let parked = parkedMessages(processors)
        return ClosureService("message-consumer") { life in
            life.ready()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await consumer.run() }
                group.addTask { await parked.run() }
                group.addTask {
                    await life.stopRequested()
                    consumer.stop()
                    parked.stop()
                }
                // A consumer that ends for good takes the service with it; one that is stopped has ended its work.
                try await group.waitForAll()
            }
        }
    }
}

extension MessagingParts {
    /// Who tries parked messages again: woken by the nearest due time, by what is parked, and by what is redriven.
    private func parkedMessages(_ processors: [Topic: MessageProcessor]) -> DueWorker<ParkedWork> {
        let worker = DueWorker(
            ParkedWork(lot: ParkingLot(processors, unitOfWork: unitOfWork, time: chassis.time)),
            concurrency: ParkedWork.concurrency, time: chassis.time, log: chassis.logger)
        for (topic, processor) in processors {
            processor.onParked { worker.notify() }
            chassis.metrics.observeParks(of: topic.rawValue) { processor.statistics.parked }
        }
        deadLetters.onRedriven { worker.notify() }
        return worker
    }
}

extension Chassis {
    /// The service's way to Kafka, over the outbox in its database.
    ///
    /// - Parameter hasFallback: whether the service can do its work while no broker is there, and so is ready without.
    /// - Throws: `KafkaError` for settings that librdkafka refuses.
    package func messaging(
        _ settings: KafkaSettings, _ databaseSettings: DatabaseSettings, _ database: Database, hasFallback: Bool = true
    ) throws(KafkaError) -> MessagingParts {
        let owner = Int64(bitPattern: random.next())
        let outbox = Outbox(owner: owner)
        let circuit = KafkaCircuit(
            circuitBreaker("kafka", dependency: "broker", .kafka), time: time,
            observer: CallObserver(metrics, logger).observe)
        metrics.observeBulkhead(circuit.bulkhead)
        let trouble = Signal()
        let lost = LastTrouble()
        let (producer, producerPart) = try producer(settings) { [time] in
            lost.note(time.now)
            trouble.notify()
        }
        let relay = OutboxRelay(
            outbox: outbox, service: service, postgres: database.client,
            publisher: KafkaPublisher(
                producer, circuit: circuit, process: String(owner, radix: 36), tracer: tracer), time: time, log: logger)
        let liveness = AdvisorySession(
            key: owner, configuration: .init(databaseSettings, applicationName: service), time: time, random: random)
        let broker = BrokerHealth(producer, circuit, trouble: trouble, hasFallback: hasFallback, self)
        let tables = MessageTables(database.client, self)
        let desk = DeadLetterDesk(database.client)
        deadLetters.open(desk)
        metrics.observeDiscards { desk.discards }
        return MessagingParts(
            unitOfWork: UnitOfWork(postgres: database.client, outbox: outbox, relay: relay),
            messages: MessageFactory(service: service, time: time, random: random), kafkaBreaker: circuit.breaker,
            parts: [
                producerPart, broker.part, Self.livenessPart(liveness), relayPart(relay),
                tables.part,
                Pruner(Pruner.Table.messaging(databaseSettings.retention), database.client, self).part("retention"),
            ], outboxAge: { tables.oldestAge },
            brokerTroubleAge: { [time] in lost.moment.map { $0.duration(to: time.now) } }, deadLetters: desk,
            settings: settings, chassis: self)
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

/// When the brokers were last lost.
private final class LastTrouble: Sendable {
    private let last = Mutex<MonotonicInstant?>(nil)

    func note(_ moment: MonotonicInstant) { last.withLock { $0 = moment } }

    var moment: MonotonicInstant? { last.withLock { $0 } }
}

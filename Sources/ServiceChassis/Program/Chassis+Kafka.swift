import Clocks
import Kafka
import Telemetry

extension Chassis {
    /// How to reach the brokers these settings name, as this service.
    package func kafkaConfiguration(_ settings: KafkaSettings) -> KafkaConfiguration {
        KafkaConfiguration(bootstrap: settings.bootstrap.map(\.text).joined(separator: ","), clientID: service)
    }

    /// A producer whose troubles go to the log and to the health of the dependency `broker`, and the part that closes it.
    ///
    /// - Parameter onConnectionLost: called when the last connection to a broker broke; must not block.
    package func producer(
        _ settings: KafkaSettings, onConnectionLost: @escaping @Sendable () -> Void = {}
    ) throws(KafkaError) -> (client: KafkaProducer, part: any Service) {
        let observe = kafkaObserver("producer")
        let producer = try KafkaProducer(configuration: kafkaConfiguration(settings), time: time) { event in
            observe(event)
            if case .connectionLost = event { onConnectionLost() }
        }
        let part = ClosureService("kafka-producer") { life in
            life.ready()
            await life.stopRequested()
            producer.close()
        }
        return (producer, part)
    }

    /// A consumer whose lag is in the metrics and whose troubles go to the log.
    package func consumer(
        _ settings: KafkaSettings, group: String, topics: [String]
    ) throws(KafkaError) -> KafkaConsumer {
        let consumer = try KafkaConsumer(
            configuration: kafkaConfiguration(settings), group: group, topics: topics,
            onEvent: kafkaObserver("consumer"))
        metrics.observeConsumerLag {
            consumer.lag.map { (topic: $0.topic, partition: Int($0.partition), lag: Int($0.lag)) }
        }
        return consumer
    }

    /// Tells what a client says of itself; `role` is `producer` or `consumer`.
    package func kafkaObserver(_ role: String) -> @Sendable (KafkaEvent) -> Void {
        let logger = logger.with(["client": .text(role)])
        return { [metrics] event in
            switch event {
            case .connectionLost(let detail):
                metrics.setDependency("broker", isHealthy: false)
                logger.debug("broker connection lost", ["detail": .text(detail)])
            case .error(let error):
                // librdkafka goes on by itself; what becomes of the messages is reported where they were handed over.
                logger.warning("Kafka client reports an error", ["error": .error(error)])
            case .log(let level, let facility, let text):
                logger.log(
                    level <= 3 ? .warning : .debug, "librdkafka",
                    ["facility": .text(facility), "text": .text(text)])
            case .assigned(let count):
                logger.info("partitions assigned", ["partitions": .count(count)])
            case .revoked:
                logger.info("partitions revoked")
            case .handBackTimedOut:
                logger.warning("a rebalance did not wait for a batch; its messages are handled again elsewhere")
            case .commitRefused(let error):
                logger.info("offsets not committed", ["error": .error(error)])
            case .positionReset(let partition, let from, let to):
                logger.warning(
                    "a partition begins anew: the broker has forgotten what it had",
                    [
                        "topic": .text(partition.topic), "partition": .count(Int(partition.number)),
                        "from": .count(Int(from)), "to": .count(Int(to)),
                    ])
            case .replaced(let error):
                logger.error("Kafka client replaced after a fatal error", ["error": .error(error)])
            }
        }
    }
}

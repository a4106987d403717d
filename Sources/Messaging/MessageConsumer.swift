import Clocks
import Contracts
import Kafka
import Telemetry

/// Reads topics and has each batch handled before the next one is asked for: whoever cannot keep up is not fed.
package final class MessageConsumer: Sendable {
    private let consumer: KafkaConsumer
    private let processors: [String: MessageProcessor]
    private let batchLimit: Int
    private let time: any TimeSource
    private let log: Logger

    /// - Parameter processors: who handles which topic.
    package init(
        consumer: KafkaConsumer, processors: [Topic: MessageProcessor], batchLimit: Int = 128,
        time: any TimeSource, log: Logger
    ) {
        self.consumer = consumer
        self.processors = Dictionary(uniqueKeysWithValues: processors.map { ($0.key.rawValue, $0.value) })
        self.batchLimit = batchLimit
        self.time = time
        self.log = log
    }

    /// Works until ``stop()``, then ends what is under way and leaves the group.
    package func run() async {
        while let batch = try? await consumer.nextBatch(maximum: batchLimit) {
            do {
                try await handle(batch)
            } catch {
                // Cancelled: what is not finished is read again by whoever gets the partition.
                break
            }
            consumer.finished(batch)
        }
        await consumer.close()
    }

    /// Asks for nothing more.
    package func stop() {
        consumer.stopReading()
    }

    private func handle(_ batch: [KafkaMessage]) async throws {
        for (topic, records) in Self.byTopic(batch) {
            guard let processor = processors[topic] else { continue }
            var messages: [IncomingMessage] = []
            var unreadable: [DeadLetter] = []
            for record in records {
                let origin = MessageOrigin(
                    topic: topic, partition: record.position.partition, offset: record.position.offset)
                do throws(EnvelopeError) {
                    let envelope = try MessageEnvelope(kafkaHeaders: record.headers, payload: record.value)
                    messages.append(IncomingMessage(envelope: envelope, origin: origin))
                } catch {
                    unreadable.append(
                        DeadLetter(
                            origin: origin, key: record.key, headers: record.headers, payload: record.value,
                            reason: error.description, attempts: 1, firstSeen: time.wallNow))
                }
            }
            if !unreadable.isEmpty { try await processor.bury(unreadable) }
            if !messages.isEmpty { try await processor.process(messages) }
        }
    }

    /// The topics in order of first appearance, each with its records in order.
    private static func byTopic(_ batch: [KafkaMessage]) -> [(topic: String, records: [KafkaMessage])] {
        var places: [String: Int] = [:]
        var groups: [(topic: String, records: [KafkaMessage])] = []
        for record in batch {
            let topic = record.position.topic
            if let place = places[topic] {
                groups[place].records.append(record)
            } else {
                places[topic] = groups.count
                groups.append((topic, [record]))
            }
        }
        return groups
    }
}

import Clocks
import Contracts
import Defects
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

    /// Works until ``stop()`` or cancellation, then ends what is under way and leaves the group.
    ///
    /// - Throws: `KafkaError` when the client has ended for good: then nothing is read any more, and the process should
    ///   begin anew.
    package func run() async throws(KafkaError) {
        var failure: KafkaError?
        do {
            while true {
                let batch = try await consumer.nextBatch(maximum: batchLimit)
                if Defect.offsetBeforeCommit.isOn { consumer.finished(batch) }
                try await handle(batch)
                CrashPoint.beforeOffsetCommit.pass()
                consumer.finished(batch)
            }
        } catch let error as KafkaError where error.isFatal {
            failure = error
        } catch {
            // Stopped, or cancelled: what is not finished is read again by whoever gets the partition.
        }
        await consumer.close()
        if let failure { throw failure }
    }

    /// Asks for nothing more.
    package func stop() {
        consumer.stopReading()
    }

    private func handle(_ batch: [KafkaMessage]) async throws {
        for (topic, records) in Self.byTopic(batch) {
            guard let processor = processors[topic] else { continue }
            let incoming = records.map { record in
                IncomingRecord(
                    origin: MessageOrigin(
                        topic: topic, partition: record.position.partition, offset: record.position.offset),
                    key: record.key, headers: record.headers, payload: record.value)
            }
            try await process(incoming, by: processor)
        }
    }

    /// Does not go on before every record is handled or kept: what would be passed over would be lost.
    private func process(_ records: [IncomingRecord], by processor: MessageProcessor) async throws {
        while true {
            do {
                return try await processor.process(records)
            } catch  where MessageProcessor.isEnd(error) {
                throw error
            } catch {
                log.error("a batch can neither be handled nor kept, will be tried again", ["error": .error(error)])
                try await time.sleep(for: .seconds(1))
            }
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

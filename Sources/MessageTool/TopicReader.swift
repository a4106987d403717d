import Clocks
import Glibc
import Kafka
import Synchronization

/// Reads what is in topics, from their beginning to where they end now.
enum TopicReader {
    private final class Collected: Sendable {
        let messages = Mutex<[KafkaMessage]>([])

        /// Returns how many there are now.
        func add(_ more: [KafkaMessage]) -> Int {
            messages.withLock { messages in
                messages += more
                return messages.count
            }
        }
    }

    /// At most so many messages, the oldest ones.
    static let limit = 50_000

    /// Reads until every partition's end is reached, for at most 8 s, with a group that nobody else uses.
    static func read(
        _ topics: [String], at bootstrap: String, time: any TimeSource
    ) async throws -> [KafkaMessage] {
        let consumer = try KafkaConsumer(
            configuration: KafkaConfiguration(bootstrap: bootstrap, clientID: "message-tool"),
            group: "message-tool-\(getpid())-\(time.wallNow.microseconds)", topics: topics)
        let collected = Collected()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while let batch = try? await consumer.nextBatch(maximum: 1000) {
                    consumer.finished(batch)
                    if collected.add(batch) >= limit { return }
                }
            }
            group.addTask { await waitForEnd(consumer, time: time) }
            await group.next()
            consumer.stopReading()
            group.cancelAll()
        }
        await consumer.close(patience: .seconds(10))
        return collected.messages.withLock { $0 }
    }

    /// Returns when nothing is left to be read; twice in a row, since a partition that is not known yet shows no lag.
    private static func waitForEnd(_ consumer: KafkaConsumer, time: any TimeSource) async {
        let deadline = time.now.advanced(by: .seconds(8))
        var calm = 0
        while calm < 5, time.now < deadline {
            guard (try? await time.sleep(for: .milliseconds(200))) != nil else { return }
            let lag = consumer.lag
            calm = consumer.isAssigned && !lag.isEmpty && lag.allSatisfy { $0.lag <= 0 } ? calm + 1 : 0
        }
    }
}

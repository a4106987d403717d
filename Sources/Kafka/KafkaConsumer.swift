import Clocks

/// Reads topics as a member of a group: what has arrived, in order per partition, each message until it is finished.
///
/// ``nextBatch(maximum:)`` and ``finished(_:)`` are called in turn by one task. Offsets are committed shortly after, and
/// before partitions are handed over; a batch that is not finished is read again by whoever gets its partition.
package final class KafkaConsumer: Sendable {
    private let handle: ConsumerHandle

    /// - Throws: `KafkaError` for a configuration that librdkafka refuses; that brokers are away is no error.
    package init(
        configuration: KafkaConfiguration, group: String, topics: [String],
        onEvent: @escaping @Sendable (KafkaEvent) -> Void = { _ in }
    ) throws(KafkaError) {
        handle = try ConsumerHandle(configuration, group: group, topics: topics, onEvent: onEvent)
    }

    /// Waits for messages and answers those that have arrived, at least one, at most `maximum`.
    ///
    /// - Throws: `CancellationError`, or ``KafkaError/closed``.
    package func nextBatch(maximum: Int) async throws -> [KafkaMessage] {
        try await handle.nextBatch(maximum: maximum)
    }

    /// The messages are handled: their offsets may be committed.
    package func finished(_ messages: [KafkaMessage]) {
        handle.finished(messages)
    }

    /// How far each assigned partition is behind its end.
    package var lag: [(topic: String, partition: Int32, lag: Int64)] { handle.lag }

    /// Whether partitions are assigned; a member of a group with more members than partitions has none.
    package var isAssigned: Bool { handle.isAssigned }

    /// Hands nothing out any more: a reader that waits gets ``KafkaError/closed`` now. What it has can still be finished.
    package func stopReading() {
        handle.stopReading()
    }

    /// Commits what is finished, leaves the group and ends.
    package func close() async {
        await handle.close()
    }
}

import Clocks

/// Reads topics as a member of a group: what has arrived, in order per partition, each message until it is finished.
///
/// ``nextBatch(maximum:)`` and ``finished(_:)`` are called in turn by one task; several tasks share the messages, and the
/// order of a partition then holds for none of them. Offsets are committed shortly after, before partitions are handed
/// over, and at the end; what is not finished is read again by whoever gets its partition. Delivery is at least once.
///
/// A broker that comes back empty is read from its beginning. When its log has meanwhile grown beyond the old position,
/// nothing tells the two logs apart: reading goes on from the old position until the group, which the broker has
/// forgotten as well, has formed again, and then starts from the beginning.
package final class KafkaConsumer: Sendable {
    private let handle: ConsumerHandle
    private let time: any TimeSource

    /// - Throws: `KafkaError` for a configuration that librdkafka refuses; that brokers are away is no error.
    package init(
        configuration: KafkaConfiguration, group: String, topics: [String], time: any TimeSource = SystemTime(),
        onEvent: @escaping @Sendable (KafkaEvent) -> Void = { _ in }
    ) throws(KafkaError) {
        self.time = time
        handle = try ConsumerHandle(configuration, group: group, topics: topics, time: time, onEvent: onEvent)
    }

    deinit {
        // The client's thread keeps the handle until the group is left.
        handle.leave(by: time.now.advanced(by: .seconds(1)))
    }

    /// Waits for messages and answers those that have arrived, at least one, at most `maximum`.
    ///
    /// - Throws: `CancellationError`, ``KafkaError/closed``, or the error that ended the client for good.
    package func nextBatch(maximum: Int) async throws -> [KafkaMessage] {
        try await handle.nextBatch(maximum: maximum)
    }

    /// The messages, and with them all before them in their partitions, are handled: their offsets may be committed.
    package func finished(_ messages: [KafkaMessage]) {
        handle.finished(messages)
    }

    /// How far each assigned partition is behind its end; partitions whose end is not known yet are left out.
    package var lag: [(topic: String, partition: Int32, lag: Int64)] { handle.lag }

    /// Whether partitions are assigned; a member of a group with more members than partitions has none.
    package var isAssigned: Bool { handle.isAssigned }

    /// What this consumer has done so far.
    package var statistics: KafkaConsumerStatistics { handle.statistics }

    /// Hands nothing out any more: a reader that waits gets ``KafkaError/closed`` now. What it has can still be finished.
    package func stopReading() {
        handle.stopReading()
    }

    /// For tests: ends the client underneath as librdkafka does.
    package func failForTesting() {
        handle.failForTesting()
    }

    /// Commits what is finished, leaves the group and ends, within about `patience`; without the group's word after that.
    package func close(patience: Duration = .seconds(5)) async {
        handle.leave(by: time.now.advanced(by: patience))
        await handle.ended()
    }
}

/// Counts since the consumer began.
package struct KafkaConsumerStatistics: Sendable, Hashable {
    /// Messages handed out.
    package var messages = 0
    /// Messages that had been fetched when their partitions were taken away.
    package var droppedMessages = 0
    /// Messages that were finished after their partition was taken away; they are handled again elsewhere.
    package var lateFinishes = 0
    package var commits = 0
    package var refusedCommits = 0
    package var revocations = 0
    /// Rebalances that went on although messages were still being handled.
    package var handBackTimeouts = 0
    /// How often a partition's log turned out to begin anew.
    package var positionResets = 0
}

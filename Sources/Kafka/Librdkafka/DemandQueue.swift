import CLibrdkafka

/// The queue that all assigned partitions forward their messages to, for one assignment.
///
/// It is only polled when somebody asks: that is the back-pressure. Control events have a queue of their own and never
/// wait behind messages. Pausing partitions instead costs about a second each time, and the client of Debian 12 loses
/// positions by it. A new assignment gets a new queue, so that no message of the old one can slip in.
///
/// Sendable: librdkafka's queues may be used from any thread; the owner destroys it once, under the lock that guards
/// its use.
struct DemandQueue: @unchecked Sendable {
    private let queue: OpaquePointer

    /// - Parameter signal: signalled, from a thread of librdkafka, when the queue was empty and is not any more; must
    ///   outlive the client.
    init(_ client: OpaquePointer, signal: WakeSignal) {
        queue = rd_kafka_queue_new(client)
        rd_kafka_queue_cb_event_enable(
            queue,
            { _, context in
                guard let context else { return }
                Unmanaged<WakeSignal>.fromOpaque(context).takeUnretainedValue().signal()
            }, Unmanaged.passUnretained(signal).toOpaque())
    }

    /// Sends a partition's messages here, without those that came too late for its last assignment.
    ///
    /// - Returns: how many those were.
    func receive(_ partition: KafkaPartition, of client: OpaquePointer) -> Int {
        guard let source = rd_kafka_queue_get_partition(client, partition.topic, partition.number) else { return 0 }
        defer { rd_kafka_queue_destroy(source) }
        // Detached first: a queue that still forwards to the one before would be drained there.
        rd_kafka_queue_forward(source, nil)
        var late = 0
        while let event = rd_kafka_queue_poll(source, 0) {
            late += rd_kafka_event_message_count(event)
            rd_kafka_event_destroy(event)
        }
        rd_kafka_queue_forward(source, queue)
        return late
    }

    /// The next event, if there is one: a message or an error of a partition. The caller destroys it.
    func next() -> OpaquePointer? {
        rd_kafka_queue_poll(queue, 0)
    }

    /// Drops what nobody has asked for; what comes later is dropped by librdkafka.
    ///
    /// - Returns: how many messages were dropped.
    func destroy() -> Int {
        let count = rd_kafka_queue_length(queue)
        rd_kafka_queue_cb_event_enable(queue, nil, nil)
        rd_kafka_queue_destroy(queue)
        return count
    }
}

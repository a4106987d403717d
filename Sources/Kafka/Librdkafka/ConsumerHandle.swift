import CLibrdkafka
import CLinux
import Glibc
import Synchronization

/// One librdkafka consumer and its two threads: one serves control events (rebalances, errors, commits) at all times, the
/// other takes messages from a queue of our own when somebody asks for them.
///
/// All partitions' queues are forwarded to that queue: back-pressure is not asking, and a rebalance never waits behind
/// messages. Pausing partitions instead costs about a second each time, and the client of Debian 12 loses positions by it.
final class ConsumerHandle: Sendable {
    private struct Partition: Hashable {
        var topic: String
        var partition: Int32
    }

    private struct Waiter {
        var maximum: Int
        var continuation: CheckedContinuation<[KafkaMessage], any Error>
    }

    private struct State {
        var assigned: Set<Partition> = []
        /// The next offset to commit for each partition.
        var finished: [Partition: Int64] = [:]
        var isDirty = false
        /// The next offset after the last that was handed out, not finished yet.
        var handedOut: [Partition: Int64] = [:]
        /// Messages that nobody has been given yet.
        var pending: [KafkaMessage] = []
        var isRebalancing = false
        /// Nothing is handed out any more.
        var isStopped = false
        var isClosing = false
        var isClosed = false
        var waiter: Waiter?
        var closers: [CheckedContinuation<Void, Never>] = []
        var lag: [Partition: Int64] = [:]
    }

    private let configuration: KafkaConfiguration
    private let kafka: RdKafka
    private let messages: SendableQueue
    private let state = Mutex(State())
    private let demand = ThreadSignal()
    private let onEvent: @Sendable (KafkaEvent) -> Void
    private let threads = Atomic(2)

    /// librdkafka's queues may be used from any thread; destroyed by the last of our threads.
    private struct SendableQueue: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    init(
        _ configuration: KafkaConfiguration, group: String, topics: [String],
        onEvent: @escaping @Sendable (KafkaEvent) -> Void
    ) throws(KafkaError) {
        self.configuration = configuration
        self.onEvent = onEvent
        kafka = try RdKafka(
            RD_KAFKA_CONSUMER, configuration.consumerProperties(group: group),
            events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_LOG
                | RD_KAFKA_EVENT_FETCH)
        messages = SendableQueue(pointer: rd_kafka_queue_new(kafka.handle))
        rd_kafka_poll_set_consumer(kafka.handle)
        let list = rd_kafka_topic_partition_list_new(Int32(topics.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for topic in topics { rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA) }
        let code = rd_kafka_subscribe(kafka.handle, list)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_queue_destroy(messages.pointer)
            kafka.destroy()
            throw RdKafka.error(code)
        }
        startThread { self.serveControl() }
        startThread { self.serveMessages() }
    }

    var isAssigned: Bool { state.withLock { !$0.assigned.isEmpty } }

    var lag: [(topic: String, partition: Int32, lag: Int64)] {
        state.withLock { state in
            state.assigned.map { ($0.topic, $0.partition, state.lag[$0] ?? 0) }
        }
    }

    // MARK: The consumer's side

    func nextBatch(maximum: Int) async throws -> [KafkaMessage] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal = state.withLock { state -> (any Error)? in
                    if Task.isCancelled { return CancellationError() }
                    if state.isClosing || state.isStopped { return KafkaError.closed }
                    precondition(state.waiter == nil, "one task reads from a consumer")
                    state.waiter = Waiter(maximum: maximum, continuation: continuation)
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) } else { demand.signal() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.continuation.resume(throwing: CancellationError())
        }
    }

    func finished(_ messages: [KafkaMessage]) {
        state.withLock { state in
            for message in messages {
                let partition = Partition(topic: message.position.topic, partition: message.position.partition)
                let next = message.position.offset + 1
                if state.handedOut[partition].map({ $0 <= next }) ?? false { state.handedOut[partition] = nil }
                guard state.assigned.contains(partition) else { continue }
                if next > state.finished[partition] ?? -1 {
                    state.finished[partition] = next
                    state.isDirty = true
                }
            }
        }
    }

    func stopReading() {
        let waiter = state.withLock { state in
            state.isStopped = true
            return state.waiter.take()
        }
        waiter?.continuation.resume(throwing: KafkaError.closed)
    }

    func close() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if state.isClosed { return true }
                state.isClosing = true
                state.closers.append(continuation)
                return false
            }
            demand.signal()
            if isClosed { continuation.resume() }
        }
    }

    // MARK: Messages

    private func serveMessages() {
        while true {
            guard let maximum = state.withLock({ $0.isRebalancing ? nil : $0.waiter?.maximum }) else {
                if state.withLock({ $0.isClosing }) { break }
                demand.wait(milliseconds: 1000)
                continue
            }
            if state.withLock({ $0.isClosing }) { break }
            var batch = state.withLock { state in
                defer { state.pending = [] }
                return state.pending
            }
            if batch.isEmpty { take(into: &batch, timeout: 250) }
            while !batch.isEmpty, batch.count < maximum {
                let before = batch.count
                take(into: &batch, timeout: 0)
                if batch.count == before { break }
            }
            if !batch.isEmpty { handOut(batch) }
        }
        let waiter = state.withLock { $0.waiter.take() }
        waiter?.continuation.resume(throwing: KafkaError.closed)
        end()
    }

    private func take(into batch: inout [KafkaMessage], timeout: Int32) {
        guard let event = rd_kafka_queue_poll(messages.pointer, timeout) else { return }
        defer { rd_kafka_event_destroy(event) }
        guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH else { return serve(event) }
        collect(event, into: &batch)
    }

    private func collect(_ event: OpaquePointer, into batch: inout [KafkaMessage]) {
        while let message = rd_kafka_event_message_next(event) {
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                batch.append(RdKafka.message(message))
            } else {
                onEvent(.error(RdKafka.error(message.pointee.err)))
            }
        }
    }

    /// Gives the messages to whoever waits; those of partitions that were taken away meanwhile are left to their new owner.
    private func handOut(_ batch: [KafkaMessage]) {
        let served = state.withLock { state -> (Waiter, [KafkaMessage])? in
            let ours = batch.filter {
                state.assigned.contains(Partition(topic: $0.position.topic, partition: $0.position.partition))
            }
            guard !ours.isEmpty else { return nil }
            guard let waiter = state.waiter.take() else {
                // The waiter was cancelled while messages came: keep them for the next one.
                state.pending += ours
                return nil
            }
            for message in ours {
                let partition = Partition(topic: message.position.topic, partition: message.position.partition)
                state.handedOut[partition] = message.position.offset + 1
            }
            return (waiter, ours)
        }
        if let (waiter, messages) = served { waiter.continuation.resume(returning: messages) }
    }

    // MARK: Control

    private func serveControl() {
        guard let queue = rd_kafka_queue_get_consumer(kafka.handle) else { return end() }
        rd_kafka_set_log_queue(kafka.handle, queue)
        let interval = Int32(configuration.commitInterval.milliseconds)
        while !state.withLock({ $0.isClosing }) {
            if let event = rd_kafka_queue_poll(queue, interval) {
                serve(event)
                rd_kafka_event_destroy(event)
            }
            commit(waiting: false)
            measureLag()
        }
        commit(waiting: true)
        if let error = rd_kafka_consumer_close_queue(kafka.handle, queue) {
            rd_kafka_error_destroy(error)
        } else {
            for _ in 0..<200 where rd_kafka_consumer_closed(kafka.handle) == 0 {
                guard let event = rd_kafka_queue_poll(queue, 50) else { continue }
                serve(event)
                rd_kafka_event_destroy(event)
            }
        }
        rd_kafka_queue_destroy(queue)
        end()
    }

    private func serve(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
        case RD_KAFKA_EVENT_LOG: onEvent(logEvent(event))
        case RD_KAFKA_EVENT_ERROR:
            let code = rd_kafka_event_error(event)
            let error = RdKafka.error(code, rd_kafka_event_error_string(event).map { String(cString: $0) })
            onEvent(code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? .connectionLost(error.detail) : .error(error))
        case RD_KAFKA_EVENT_FETCH:
            // A message that came before its partition's queue was forwarded.
            var batch: [KafkaMessage] = []
            collect(event, into: &batch)
            let early = batch
            state.withLock { $0.pending += early }
            demand.signal()
        default: break
        }
    }

    private func rebalance(_ event: OpaquePointer) {
        guard let list = rd_kafka_event_topic_partition_list(event) else { return }
        let partitions = (0..<Int(list.pointee.cnt)).map { index in
            Partition(
                topic: String(cString: list.pointee.elems[index].topic), partition: list.pointee.elems[index].partition)
        }
        if rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            for partition in partitions {
                let queue = rd_kafka_queue_get_partition(kafka.handle, partition.topic, partition.partition)
                rd_kafka_queue_forward(queue, messages.pointer)
                rd_kafka_queue_destroy(queue)
            }
            state.withLock { state in
                state.assigned = Set(partitions)
                state.finished = [:]
                state.isDirty = false
                state.isRebalancing = false
            }
            rd_kafka_assign(kafka.handle, list)
            onEvent(.assigned(partitions.count))
        } else {
            state.withLock { $0.isRebalancing = true }
            waitForWorkInProgress()
            commit(waiting: true)
            state.withLock { state in
                state.assigned = []
                state.pending = []
                state.handedOut = [:]
                state.lag = [:]
            }
            rd_kafka_assign(kafka.handle, nil)
            onEvent(.revoked(partitions.count))
            state.withLock { $0.isRebalancing = false }
        }
        demand.signal()
    }

    /// Lets the batch that is being handled finish, so that it need not be handled again elsewhere.
    private func waitForWorkInProgress() {
        let rounds = max(1, configuration.revocationPatience.milliseconds / 10)
        for _ in 0..<rounds {
            if state.withLock({ $0.handedOut.isEmpty }) { return }
            usleep(10_000)
        }
    }

    private func commit(waiting: Bool) {
        let offsets = state.withLock { state -> [Partition: Int64] in
            guard state.isDirty, waiting || !state.isRebalancing else { return [:] }
            state.isDirty = false
            return state.finished
        }
        guard !offsets.isEmpty else { return }
        let list = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (partition, offset) in offsets {
            rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition)?.pointee.offset = offset
        }
        let code = rd_kafka_commit(kafka.handle, list, waiting ? 0 : 1)
        // Around a rebalance a commit may be refused; what it covered is then read again, and recognised as a repeat.
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET {
            onEvent(.error(RdKafka.error(code)))
        }
    }

    private func measureLag() {
        let (assigned, finished) = state.withLock { ($0.assigned, $0.finished) }
        var lag: [Partition: Int64] = [:]
        for partition in assigned {
            var low: Int64 = 0
            var high: Int64 = 0
            let code = rd_kafka_get_watermark_offsets(
                kafka.handle, partition.topic, partition.partition, &low, &high)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0, let position = finished[partition] else { continue }
            lag[partition] = max(0, high - position)
        }
        let measured = lag
        state.withLock { $0.lag = measured }
    }

    /// The last of the two threads destroys the client.
    private func end() {
        guard threads.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        rd_kafka_queue_destroy(messages.pointer)
        kafka.destroy()
        let closers = state.withLock { state in
            state.isClosed = true
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}

/// Wakes a thread that waits with a timeout.
final class ThreadSignal: Sendable {
    private let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    deinit {
        Glibc.close(descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func wait(milliseconds: Int32) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&waiting, 1, milliseconds)
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

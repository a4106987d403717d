import CLibrdkafka
import Clocks
import Synchronization

/// One librdkafka producer and the thread that polls it: the shell around ``DeliveryTable``.
final class ProducerHandle: Sendable {
    typealias Table = DeliveryTable<CheckedContinuation<[Result<KafkaPosition, KafkaError>], Never>>

    /// Records that found librdkafka's queue full; what is under way makes room.
    private struct Waiting {
        var ticket: Table.Ticket
        var records: [KafkaRecord]
        var next: Int
    }

    private enum Phase {
        case open
        /// Takes no more; ends when all is settled or at the instant.
        case closing(until: MonotonicInstant)
        case ended
    }

    private struct State {
        var phase = Phase.open
        var table = Table()
        var waiting: [Waiting] = []
        var topics: [String: Topic] = [:]
        var fatal: KafkaError?
        /// When the thread looks again by itself.
        var wakesAt = MonotonicInstant.distantFuture
        var enders: [CheckedContinuation<Void, Never>] = []
    }

    /// Sendable: a topic handle may be used from any thread; kept until the client ends.
    private struct Topic: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// Sendable: librdkafka's queues may be used from any thread. Used under the lock until `ended`.
    private struct MainQueue: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private let kafka: RdKafka
    private let queue: MainQueue
    private let time: any TimeSource
    private let state = Mutex(State())
    private let onEvent: @Sendable (KafkaEvent) -> Void
    /// Questions that use the client on threads of their own.
    private let questions = Atomic(0)

    init(
        _ configuration: KafkaConfiguration, time: any TimeSource, onEvent: @escaping @Sendable (KafkaEvent) -> Void
    ) throws(KafkaError) {
        kafka = try RdKafka(
            RD_KAFKA_PRODUCER, configuration.producerProperties,
            events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        self.time = time
        self.onEvent = onEvent
        queue = MainQueue(pointer: rd_kafka_queue_get_main(kafka.handle))
        rd_kafka_set_log_queue(kafka.handle, queue.pointer)
        startThread { self.run() }
    }

    // MARK: Any task

    var fatalError: KafkaError? { state.withLock { $0.fatal } }
    var outstandingCount: Int { state.withLock { $0.table.unsettled } }

    /// Begins a batch; nil when the producer is closing.
    func open(count: Int, deadline: MonotonicInstant) -> Table.Ticket? {
        state.withLock { state in
            guard case .open = state.phase else { return nil }
            if deadline < state.wakesAt {
                state.wakesAt = deadline
                rd_kafka_queue_yield(queue.pointer)
            }
            return state.table.open(count: count, deadline: deadline)
        }
    }

    /// Hands the batch's records over, in order, as far as there is room.
    func submit(
        _ records: [KafkaRecord], as ticket: Table.Ticket,
        answerTo waiter: CheckedContinuation<[Result<KafkaPosition, KafkaError>], Never>
    ) {
        var done: [Table.Completion] = []
        state.withLock { state in
            if let completion = state.table.attach(waiter, to: ticket) { done.append(completion) }
        }
        var next = 0
        while next < records.count {
            // In slices: reports are not held up by a large batch.
            let isFinished = state.withLock { state -> Bool in
                guard state.waiting.isEmpty else {
                    state.waiting.append(Waiting(ticket: ticket, records: records, next: next))
                    rd_kafka_queue_yield(queue.pointer)
                    return true
                }
                let room = handOver(records, as: ticket, from: &next, upTo: next + 64, &state, &done)
                guard !room else { return false }
                state.waiting.append(Waiting(ticket: ticket, records: records, next: next))
                rd_kafka_queue_yield(queue.pointer)
                return true
            }
            if isFinished { break }
        }
        finish(done)
    }

    func abandon(_ ticket: Table.Ticket, _ error: KafkaError) {
        let done = state.withLock { $0.table.abandon(ticket, error) }
        if let done { finish([done]) }
    }

    /// Ends by `deadline`: what is not acknowledged then is reported as failed.
    func close(by deadline: MonotonicInstant) {
        state.withLock { state in
            switch state.phase {
            case .open: state.phase = .closing(until: deadline)
            case .closing(let until): state.phase = .closing(until: min(until, deadline))
            case .ended: return
            }
            rd_kafka_queue_yield(queue.pointer)
        }
    }

    /// Returns when the client is gone.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isEnded = state.withLock { state in
                if case .ended = state.phase { return true }
                state.enders.append(continuation)
                return false
            }
            if isEnded { continuation.resume() }
        }
    }

    /// Asks a broker for its list of brokers, on a thread of its own: librdkafka has no other way than to wait.
    func reachesBroker(timeout: Duration) async -> Bool {
        let isOpen = state.withLock { state in
            guard case .open = state.phase else { return false }
            questions.add(1, ordering: .relaxed)
            return true
        }
        guard isOpen else { return false }
        return await withCheckedContinuation { continuation in
            startThread { [self] in
                var metadata: UnsafePointer<rd_kafka_metadata>?
                let code = rd_kafka_metadata(kafka.handle, 0, nil, &metadata, Int32(clamping: timeout.milliseconds))
                if let metadata { rd_kafka_metadata_destroy(metadata) }
                questions.subtract(1, ordering: .releasing)
                continuation.resume(returning: code == RD_KAFKA_RESP_ERR_NO_ERROR)
            }
        }
    }

    /// For tests: has librdkafka declare its client dead, as an idempotent producer does when it cannot keep its word.
    func failForTesting() {
        state.withLock { state in
            guard case .open = state.phase else { return }
            rd_kafka_test_fatal_error(kafka.handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "a test wants it")
        }
    }

    private func finish(_ completions: [Table.Completion]) {
        for completion in completions { completion.waiter.resume(returning: completion.answers) }
    }

    /// - Returns: false when librdkafka's queue is full.
    private func handOver(
        _ records: [KafkaRecord], as ticket: Table.Ticket, from next: inout Int, upTo limit: Int,
        _ state: inout State, _ done: inout [Table.Completion]
    ) -> Bool {
        while next < min(limit, records.count) {
            guard state.table.isWanted(ticket), case .some(let topic) = topic(records[next].topic, &state) else {
                let completion = state.table.settleRest(ticket, from: next, .notTaken)
                if let completion { done.append(completion) }
                next = records.count
                return true
            }
            let token = state.table.handOver(ticket, index: next)
            let code = RdKafka.produce(records[next], to: topic.pointer, of: kafka.handle, token: token.rawValue)
            if code == RD_KAFKA_RESP_ERR__QUEUE_FULL {
                state.table.takeBack(ticket, index: next)
                return false
            }
            if code != RD_KAFKA_RESP_ERR_NO_ERROR {
                // No report comes for a message that was not taken.
                if let completion = state.table.settle(token, .failure(RdKafka.error(code))) { done.append(completion) }
            }
            next += 1
        }
        return true
    }

    private func topic(_ name: String, _ state: inout State) -> Topic? {
        if let known = state.topics[name] { return known }
        if case .ended = state.phase { return nil }
        guard let pointer = rd_kafka_topic_new(kafka.handle, name, nil) else { return nil }
        let topic = Topic(pointer: pointer)
        state.topics[name] = topic
        return topic
    }

    // MARK: The thread

    private func run() {
        while !isDone {
            if let event = rd_kafka_queue_poll(queue.pointer, pollTimeout()) {
                serve(event)
                rd_kafka_event_destroy(event)
            }
            let now = time.now
            finish(state.withLock { $0.table.expire(now: now, .deadlineExceeded) })
            handOverWaiting()
        }
        end()
    }

    private var isDone: Bool {
        let now = time.now
        return state.withLock { state in
            guard case .closing(let until) = state.phase else { return false }
            return state.table.unsettled == 0 || until <= now
        }
    }

    /// Milliseconds until something is due; every event ends the wait.
    private func pollTimeout() -> Int32 {
        let now = time.now
        return state.withLock { state in
            var next = min(state.table.earliestDeadline, now.advanced(by: .seconds(5)))
            if !state.waiting.isEmpty { next = min(next, now.advanced(by: .milliseconds(50))) }
            if case .closing(let until) = state.phase { next = min(next, until, now.advanced(by: .milliseconds(20))) }
            state.wakesAt = next
            return Int32(max(0, (now.duration(to: next).wholeNanoseconds + 999_999) / 1_000_000))
        }
    }

    private func handOverWaiting() {
        var done: [Table.Completion] = []
        var isFull = false
        while !isFull {
            isFull = state.withLock { state in
                guard var first = state.waiting.first else { return true }
                let room = handOver(
                    first.records, as: first.ticket, from: &first.next, upTo: first.next + 64, &state, &done)
                if first.next >= first.records.count {
                    state.waiting.removeFirst()
                } else {
                    state.waiting[0].next = first.next
                }
                return !room
            }
        }
        finish(done)
    }

    private func serve(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR: report(event)
        case RD_KAFKA_EVENT_ERROR: noteError(RdKafka.error(of: event))
        case RD_KAFKA_EVENT_LOG: onEvent(logEvent(event))
        default: break
        }
    }

    private func report(_ event: OpaquePointer) {
        var done: [Table.Completion] = []
        state.withLock { state in
            var last: (topic: OpaquePointer, name: String)?
            while let message = rd_kafka_event_message_next(event) {
                let token = Table.Token(rawValue: UInt(bitPattern: message.pointee._private))
                let answer: Table.Answer
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, let topic = message.pointee.rkt {
                    if last?.topic != topic {
                        last = (topic, rd_kafka_topic_name(topic).map { String(cString: $0) } ?? "")
                    }
                    answer = .success(
                        KafkaPosition(
                            topic: last?.name ?? "", partition: message.pointee.partition,
                            offset: message.pointee.offset))
                } else {
                    var error = RdKafka.error(message.pointee.err)
                    error.mayBeWritten = rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED
                    answer = .failure(error)
                }
                if let completion = state.table.settle(token, answer) { done.append(completion) }
            }
        }
        finish(done)
    }

    private func noteError(_ error: KafkaError) {
        if error.isFatal {
            state.withLock { $0.fatal = error }
            // Nothing can be sent any more; what is under way fails with the purge.
            close(by: time.now)
        }
        let isAway = error.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
        onEvent(isAway ? .connectionLost(error.detail) : .error(error))
    }

    private func end() {
        rd_kafka_purge(kafka.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // The purge reports on every message; a bound in case it does not.
        for _ in 0..<100 where rd_kafka_outq_len(kafka.handle) > 0 {
            guard let event = rd_kafka_queue_poll(queue.pointer, 20) else { continue }
            serve(event)
            rd_kafka_event_destroy(event)
        }
        while questions.load(ordering: .acquiring) > 0 {
            if let event = rd_kafka_queue_poll(queue.pointer, 10) { rd_kafka_event_destroy(event) }
        }
        let (done, topics, enders) = state.withLock { state in
            state.phase = .ended
            defer {
                state.topics = [:]
                state.enders = []
                state.waiting = []
            }
            return (state.table.settleAll(.notTaken), state.topics, state.enders)
        }
        finish(done)
        for topic in topics.values { rd_kafka_topic_destroy(topic.pointer) }
        rd_kafka_queue_destroy(queue.pointer)
        kafka.destroy()
        for ender in enders { ender.resume() }
    }
}

func logEvent(_ event: OpaquePointer) -> KafkaEvent {
    var facility: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    var level: Int32 = 0
    rd_kafka_event_log(event, &facility, &text, &level)
    return .log(
        level: Int(level), facility: facility.map { String(cString: $0) } ?? "",
        text: text.map { String(cString: $0) } ?? "")
}

import CLibrdkafka
import Clocks
import Synchronization

/// One librdkafka consumer: the shell around ``GroupMembership``.
///
/// One thread of ours serves its control events (rebalances, answers to commits, errors, logs) at all times. Messages
/// are taken by the task that asks for them, from a ``DemandQueue`` whose first message wakes it.
final class ConsumerHandle: Sendable {
    /// How librdkafka names a partition in a message.
    private struct Route: Hashable {
        var topic: OpaquePointer?
        var partition: Int32
    }

    private struct State {
        var membership: GroupMembership
        /// There only while messages are handed out.
        var demand: DemandQueue?
        /// Slots of the ledger; valid for one assignment.
        var routes: [Route: Int] = [:]
        var statistics = KafkaConsumerStatistics()
        /// Nothing is handed out any more.
        var isStopped = false
        /// Every reader gets it.
        var failure: KafkaError?
        /// The client is there; set to false, under the lock, before it is destroyed.
        var isAlive = true
        var isEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    /// Sendable: librdkafka's queues may be used from any thread. Used under the lock while `isAlive`, and by the thread
    /// that ends it.
    private struct ControlQueue: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private let kafka: RdKafka
    private let control: ControlQueue
    private let time: any TimeSource
    private let onEvent: @Sendable (KafkaEvent) -> Void
    private let arrivals = WakeSignal()
    private let state: Mutex<State>

    init(
        _ configuration: KafkaConfiguration, group: String, topics: [String], time: any TimeSource,
        onEvent: @escaping @Sendable (KafkaEvent) -> Void
    ) throws(KafkaError) {
        self.time = time
        self.onEvent = onEvent
        kafka = try RdKafka(
            RD_KAFKA_CONSUMER, configuration.consumerProperties(group: group),
            events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_LOG
                | RD_KAFKA_EVENT_FETCH)
        state = Mutex(
            State(
                membership: GroupMembership(
                    commitInterval: configuration.commitInterval, handBackPatience: configuration.revocationPatience,
                    commitPatience: configuration.commitPatience)))
        rd_kafka_poll_set_consumer(kafka.handle)
        control = ControlQueue(pointer: rd_kafka_queue_get_consumer(kafka.handle))
        rd_kafka_set_log_queue(kafka.handle, control.pointer)
        let subscription = topics.map {
            NextOffset(partition: KafkaPartition(topic: $0, number: RD_KAFKA_PARTITION_UA), offset: 0)
        }
        let code = withPartitionList(subscription) { rd_kafka_subscribe(kafka.handle, $0) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            rd_kafka_queue_destroy(control.pointer)
            kafka.destroy()
            throw RdKafka.error(code)
        }
        startThread { self.serveControl() }
    }

    // MARK: Any task

    var isAssigned: Bool { state.withLock { !$0.membership.ledger.isEmpty } }
    var statistics: KafkaConsumerStatistics { state.withLock { $0.statistics } }

    /// How far each partition's end, as of the last fetch, lies beyond what is handled.
    var lag: [(topic: String, partition: Int32, lag: Int64)] {
        state.withLock { state in
            guard state.isAlive else { return [] }
            return state.membership.ledger.entries.compactMap { entry in
                var low: Int64 = 0
                var high: Int64 = 0
                let code = rd_kafka_get_watermark_offsets(
                    kafka.handle, entry.partition.topic, entry.partition.number, &low, &high)
                guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
                let position = entry.position ?? max(0, low)
                return (entry.partition.topic, entry.partition.number, max(0, high - position))
            }
        }
    }

    func nextBatch(maximum: Int) async throws -> [KafkaMessage] {
        precondition(maximum > 0, "a batch has room for at least one message")
        while true {
            try Task.checkCancellation()
            let batch = try take(maximum)
            if !batch.isEmpty { return batch }
            try await arrivals.wait()
        }
    }

    private func take(_ maximum: Int) throws(KafkaError) -> [KafkaMessage] {
        var notices: [KafkaEvent] = []
        let taken = state.withLock { state -> Result<[KafkaMessage], KafkaError> in
            if let failure = state.failure { return .failure(failure) }
            if state.isStopped { return .failure(.closed) }
            guard let demand = state.demand else { return .success([]) }
            var batch: [KafkaMessage] = []
            while batch.count < maximum, let event = demand.next() {
                defer { rd_kafka_event_destroy(event) }
                guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH else {
                    notices.append(.error(RdKafka.error(of: event)))
                    continue
                }
                while let message = rd_kafka_event_message_next(event) {
                    collect(message, into: &batch, of: &state, &notices)
                }
            }
            return .success(batch)
        }
        for notice in notices { onEvent(notice) }
        return try taken.get()
    }

    private func collect(
        _ message: UnsafePointer<rd_kafka_message_t>, into batch: inout [KafkaMessage], of state: inout State,
        _ notices: inout [KafkaEvent]
    ) {
        guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return notices.append(.error(RdKafka.error(message.pointee.err)))
        }
        let route = Route(topic: message.pointee.rkt, partition: message.pointee.partition)
        guard let slot = state.routes[route] ?? Self.learn(route, &state) else {
            state.statistics.droppedMessages += 1
            return
        }
        let partition = state.membership.ledger.entries[slot].partition
        let offset = message.pointee.offset
        let (generation, resetFrom) = state.membership.ledger.handOut(slot, offset: offset)
        if let resetFrom {
            state.statistics.positionResets += 1
            notices.append(.positionReset(partition, from: resetFrom, to: offset))
        }
        state.statistics.messages += 1
        batch.append(RdKafka.message(message, of: partition, slot: slot, generation: generation))
    }

    private static func learn(_ route: Route, _ state: inout State) -> Int? {
        guard let topic = route.topic, let name = rd_kafka_topic_name(topic) else { return nil }
        let partition = KafkaPartition(topic: String(cString: name), number: route.partition)
        guard let slot = state.membership.ledger.slot(of: partition) else { return nil }
        state.routes[route] = slot
        return slot
    }

    func finished(_ messages: [KafkaMessage]) {
        let now = time.now
        state.withLock { state in
            let (needsTick, ignored) = state.membership.finished(
                messages.lazy.map { ($0.slot, $0.generation, $0.position.offset) }, now: now)
            state.statistics.lateFinishes += ignored
            if needsTick { wakeThread(state) }
        }
    }

    /// For tests: has librdkafka declare its client dead.
    func failForTesting() {
        state.withLock { state in
            guard state.isAlive else { return }
            rd_kafka_test_fatal_error(kafka.handle, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "a test wants it")
        }
    }

    func stopReading() {
        state.withLock { $0.isStopped = true }
        arrivals.signal()
    }

    /// Asks to leave the group, by `deadline`.
    func leave(by deadline: MonotonicInstant) {
        stopReading()
        state.withLock { state in
            guard state.isAlive else { return }
            leaveDeadline.withLock { $0 = min($0 ?? deadline, deadline) }
            wakeThread(state)
        }
    }

    /// Returns when the client is gone.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isEnded = state.withLock { state in
                if !state.isEnded { state.closers.append(continuation) }
                return state.isEnded
            }
            if isEnded { continuation.resume() }
        }
    }

    /// Set by whoever wants to leave, taken by the thread.
    private let leaveDeadline = Mutex<MonotonicInstant?>(nil)

    private func wakeThread(_ state: borrowing State) {
        guard state.isAlive else { return }
        rd_kafka_queue_yield(control.pointer)
    }

    // MARK: The thread

    private func serveControl() {
        while true {
            if let event = rd_kafka_queue_poll(control.pointer, pollTimeout()) {
                serve(event)
                rd_kafka_event_destroy(event)
            }
            let now = time.now
            if let deadline = leaveDeadline.withLock({ $0.take() }) {
                perform(state.withLock { $0.membership.leave(by: deadline, now: now) })
            }
            perform(state.withLock { $0.membership.tick(now: now) })
            if isLeaving, rd_kafka_consumer_closed(kafka.handle) != 0 {
                perform(state.withLock { $0.membership.left() })
            }
            if state.withLock({ $0.membership.phase == .left }) { return }
        }
    }

    private var isLeaving: Bool {
        state.withLock { state in
            guard case .leaving = state.membership.phase else { return false }
            return true
        }
    }

    /// Milliseconds until something is due; every event ends the wait.
    private func pollTimeout() -> Int32 {
        let (next, isLeaving) = state.withLock { state in
            guard case .leaving = state.membership.phase else { return (state.membership.nextTick, false) }
            return (state.membership.nextTick, true)
        }
        // Nothing announces that the group was left.
        let longest: Int64 = isLeaving ? 20 : 5000
        guard let next else { return Int32(longest) }
        let milliseconds = (time.now.duration(to: next).wholeNanoseconds + 999_999) / 1_000_000
        return Int32(max(0, min(milliseconds, longest)))
    }

    private func serve(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
        case RD_KAFKA_EVENT_OFFSET_COMMIT: commitEnded(event)
        case RD_KAFKA_EVENT_LOG: onEvent(logEvent(event))
        case RD_KAFKA_EVENT_ERROR: noteError(RdKafka.error(of: event))
        default: break
        }
    }

    private func noteError(_ error: KafkaError) {
        if error.isFatal {
            state.withLock { $0.failure = error }
            arrivals.signal()
        }
        let isAway = error.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
        onEvent(isAway ? .connectionLost(error.detail) : .error(error))
    }

    private func rebalance(_ event: OpaquePointer) {
        let now = time.now
        if rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let partitions = readPartitionList(rd_kafka_event_topic_partition_list(event)).map(\.next.partition)
            perform(state.withLock { $0.membership.assigned(partitions, now: now) })
        } else {
            let isLost = rd_kafka_assignment_lost(kafka.handle) != 0
            perform(state.withLock { $0.membership.revoked(isLost: isLost, now: now) })
        }
    }

    private func commitEnded(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let answers = readPartitionList(rd_kafka_event_topic_partition_list(event))
        let isAccepted = code == RD_KAFKA_RESP_ERR_NO_ERROR
        let accepted = answers.filter { isAccepted && $0.error == RD_KAFKA_RESP_ERR_NO_ERROR }.map(\.next)
        endCommit(accepted, refusal: accepted.count == answers.count ? nil : code)
    }

    /// Around a rebalance a commit may be refused (22, 25, 27): what it covered is read again, and recognised as a repeat.
    private func endCommit(_ accepted: [NextOffset], refusal: rd_kafka_resp_err_t?) {
        let now = time.now
        let actions = state.withLock { state in
            if refusal == nil { state.statistics.commits += 1 } else { state.statistics.refusedCommits += 1 }
            return state.membership.commitEnded(succeeded: accepted, now: now)
        }
        if let refusal { onEvent(.commitRefused(RdKafka.error(refusal))) }
        perform(actions)
    }

    private func perform(_ actions: [GroupMembership.Action]) {
        for action in actions {
            switch action {
            case .assign(let partitions): assign(partitions)
            case .stopHandingOut: stopHandingOut()
            case .commit(let offsets): commit(offsets)
            case .giveBack: giveBack()
            case .leave: leaveGroup()
            case .destroy(let isOrderly): end(isOrderly)
            case .handBackTimedOut:
                state.withLock { $0.statistics.handBackTimeouts += 1 }
                onEvent(.handBackTimedOut)
            }
        }
    }

    private func assign(_ partitions: [KafkaPartition]) {
        let demand = DemandQueue(kafka.handle, signal: arrivals)
        var late = 0
        for partition in partitions { late += demand.receive(partition, of: kafka.handle) }
        let dropped = late
        state.withLock { state in
            state.demand = demand
            state.routes = [:]
            state.statistics.droppedMessages += dropped
        }
        let offsets = partitions.map { NextOffset(partition: $0, offset: Int64(RD_KAFKA_OFFSET_INVALID)) }
        withPartitionList(offsets) { list in
            _ = rd_kafka_assign(kafka.handle, list)
            onEvent(.assigned(partitions.count))
            // For the lag of partitions from which nothing has come yet. Nothing else needs this thread right now.
            guard rd_kafka_committed(kafka.handle, list, 500) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            let recalled = readPartitionList(list).filter {
                $0.error == RD_KAFKA_RESP_ERR_NO_ERROR && $0.next.offset >= 0
            }
            state.withLock { state in
                for entry in recalled {
                    state.membership.ledger.recall(entry.next.partition, committed: entry.next.offset)
                }
            }
        }
    }

    private func stopHandingOut() {
        state.withLock { state in
            guard let demand = state.demand.take() else { return }
            state.routes = [:]
            state.statistics.droppedMessages += demand.destroy()
        }
    }

    private func giveBack() {
        _ = rd_kafka_assign(kafka.handle, nil)
        state.withLock { $0.statistics.revocations += 1 }
        onEvent(.revoked)
    }

    private func commit(_ offsets: [NextOffset]) {
        let code = withPartitionList(offsets) { rd_kafka_commit(kafka.handle, $0, 1) }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { endCommit([], refusal: code) }
    }

    private func leaveGroup() {
        guard let error = rd_kafka_consumer_close_queue(kafka.handle, control.pointer) else { return }
        onEvent(.error(RdKafka.error(rd_kafka_error_code(error))))
        rd_kafka_error_destroy(error)
    }

    private func end(_ isOrderly: Bool) {
        stopHandingOut()
        state.withLock { $0.isAlive = false }
        rd_kafka_queue_destroy(control.pointer)
        kafka.destroy(flags: isOrderly ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        let closers = state.withLock { state in
            state.isEnded = true
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}

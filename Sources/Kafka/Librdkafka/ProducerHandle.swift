import CLibrdkafka
import Synchronization

/// What a batch of sends waits for: one answer a message, one wake-up in all.
final class DeliveryBatch: Sendable {
    private struct State {
        var results: [Result<KafkaPosition, KafkaError>?]
        var missing: Int
        var continuation: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
    }

    func complete(_ index: Int, _ result: Result<KafkaPosition, KafkaError>) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.results[index] == nil else { return nil }
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.continuation.take() : nil
        }
        continuation?.resume()
    }

    /// The answers, once all are there.
    func results() async -> [Result<KafkaPosition, KafkaError>] {
        await withCheckedContinuation { continuation in
            let isComplete = state.withLock { state in
                if state.missing > 0 { state.continuation = continuation }
                return state.missing == 0
            }
            if isComplete { continuation.resume() }
        }
        return state.withLock { $0.results.map { $0 ?? .failure(.closed) } }
    }
}

/// One librdkafka producer and the thread that polls it.
final class ProducerHandle: Sendable {
    /// The context of one message, retained for librdkafka until its delivery report, taken back exactly once.
    private final class Delivery: Sendable {
        let batch: DeliveryBatch
        let index: Int

        init(_ batch: DeliveryBatch, _ index: Int) {
            self.batch = batch
            self.index = index
        }
    }

    private struct State {
        var isClosing = false
        var fatal: KafkaError?
        var isConnected = false
    }

    private let kafka: RdKafka
    private let state = Mutex(State())
    private let onEvent: @Sendable (KafkaEvent) -> Void
    /// Messages handed to librdkafka and not reported on yet.
    private let outstanding = Atomic(0)
    /// Questions that use the client on threads of their own.
    private let questions = Atomic(0)

    init(_ configuration: KafkaConfiguration, onEvent: @escaping @Sendable (KafkaEvent) -> Void) throws(KafkaError) {
        kafka = try RdKafka(
            RD_KAFKA_PRODUCER, configuration.producerProperties,
            events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        self.onEvent = onEvent
        startThread { self.poll() }
    }

    var fatalError: KafkaError? { state.withLock { $0.fatal } }
    var outstandingCount: Int { outstanding.load(ordering: .relaxed) }

    /// Hands one message over; false when librdkafka's queue is full.
    func produce(_ record: KafkaRecord, batch: DeliveryBatch, index: Int) -> Bool {
        if state.withLock({ $0.isClosing }) {
            batch.complete(index, .failure(.closed))
            return true
        }
        let delivery = Unmanaged.passRetained(Delivery(batch, index))
        outstanding.add(1, ordering: .relaxed)
        let code = Self.produce(kafka.handle, record, delivery.toOpaque())
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return true }
        // No report comes for a message that was not taken.
        outstanding.subtract(1, ordering: .relaxed)
        delivery.release()
        if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return false }
        batch.complete(index, .failure(RdKafka.error(code)))
        return true
    }

    private static func produce(
        _ handle: OpaquePointer, _ record: KafkaRecord, _ context: UnsafeMutableRawPointer
    ) -> rd_kafka_resp_err_t {
        guard let headers = rd_kafka_headers_new(record.headers.count) else { return RD_KAFKA_RESP_ERR__FAIL }
        for (name, value) in record.headers {
            if let value {
                _ = value.withUnsafeBytes {
                    rd_kafka_header_add(headers, name, -1, $0.baseAddress ?? UnsafeRawPointer(bitPattern: 1), $0.count)
                }
            } else {
                rd_kafka_header_add(headers, name, -1, nil, 0)
            }
        }
        func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeMutableRawPointer?, Int) -> R) -> R {
            guard let bytes else { return body(nil, 0) }
            // librdkafka copies and does not write; an empty value is not a missing one.
            return bytes.withUnsafeBytes {
                body(
                    UnsafeMutableRawPointer(mutating: $0.baseAddress) ?? UnsafeMutableRawPointer(bitPattern: 1),
                    $0.count)
            }
        }
        return record.topic.withCString { topic in
            withBytes(record.key) { key, keySize in
                withBytes(record.value) { value, valueSize in
                    var arguments = [rd_kafka_vu_t](repeating: rd_kafka_vu_t(), count: 6)
                    arguments[0].vtype = RD_KAFKA_VTYPE_TOPIC
                    arguments[0].u.cstr = topic
                    arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS
                    arguments[1].u.i = RD_KAFKA_MSG_F_COPY
                    arguments[2].vtype = RD_KAFKA_VTYPE_KEY
                    arguments[2].u.mem.ptr = key
                    arguments[2].u.mem.size = keySize
                    arguments[3].vtype = RD_KAFKA_VTYPE_VALUE
                    arguments[3].u.mem.ptr = value
                    arguments[3].u.mem.size = valueSize
                    arguments[4].vtype = RD_KAFKA_VTYPE_HEADERS
                    arguments[4].u.headers = headers
                    arguments[5].vtype = RD_KAFKA_VTYPE_OPAQUE
                    arguments[5].u.ptr = context
                    guard let error = rd_kafka_produceva(handle, &arguments, arguments.count) else {
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }
                    defer { rd_kafka_error_destroy(error) }
                    // The headers pass over on success only.
                    rd_kafka_headers_destroy(headers)
                    return rd_kafka_error_code(error)
                }
            }
        }
    }

    /// Asks a broker for its list of brokers, on a thread of its own: librdkafka has no other way than to wait.
    func reachesBroker(timeout: Duration) async -> Bool {
        questions.add(1, ordering: .relaxed)
        if state.withLock({ $0.isClosing }) {
            questions.subtract(1, ordering: .relaxed)
            return false
        }
        return await withCheckedContinuation { continuation in
            startThread { [self] in
                var metadata: UnsafePointer<rd_kafka_metadata>?
                let code = rd_kafka_metadata(kafka.handle, 0, nil, &metadata, Int32(clamping: timeout.milliseconds))
                if let metadata { rd_kafka_metadata_destroy(metadata) }
                questions.subtract(1, ordering: .relaxed)
                continuation.resume(returning: code == RD_KAFKA_RESP_ERR_NO_ERROR)
            }
        }
    }

    /// Asks for the end: what is queued is purged and reported as failed.
    func close() {
        state.withLock { $0.isClosing = true }
    }

    private func poll() {
        guard let queue = rd_kafka_queue_get_main(kafka.handle) else { return }
        rd_kafka_set_log_queue(kafka.handle, queue)
        while !state.withLock({ $0.isClosing }) { serve(queue, timeout: 200) }
        rd_kafka_flush(kafka.handle, 0)
        rd_kafka_purge(kafka.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // A message without its report would leave its task waiting for ever.
        for _ in 0..<100 where outstandingCount > 0 { serve(queue, timeout: 50) }
        while questions.load(ordering: .relaxed) > 0 { serve(queue, timeout: 10) }
        rd_kafka_queue_destroy(queue)
        kafka.destroy()
    }

    private func serve(_ queue: OpaquePointer, timeout: Int32) {
        guard let event = rd_kafka_queue_poll(queue, timeout) else { return }
        defer { rd_kafka_event_destroy(event) }
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR: report(event)
        case RD_KAFKA_EVENT_ERROR: noteError(event)
        case RD_KAFKA_EVENT_LOG: onEvent(logEvent(event))
        default: break
        }
    }

    private func report(_ event: OpaquePointer) {
        while let message = rd_kafka_event_message_next(event) {
            guard let context = message.pointee._private else { continue }
            let delivery = Unmanaged<Delivery>.fromOpaque(context).takeRetainedValue()
            outstanding.subtract(1, ordering: .relaxed)
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                let topic = rd_kafka_topic_name(message.pointee.rkt).map { String(cString: $0) } ?? ""
                delivery.batch.complete(
                    delivery.index,
                    .success(
                        KafkaPosition(
                            topic: topic, partition: message.pointee.partition, offset: message.pointee.offset)))
            } else {
                delivery.batch.complete(delivery.index, .failure(RdKafka.error(message.pointee.err)))
            }
        }
    }

    private func noteError(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let error = RdKafka.error(code, rd_kafka_event_error_string(event).map { String(cString: $0) })
        if code == RD_KAFKA_RESP_ERR__FATAL { state.withLock { $0.fatal = error } }
        onEvent(code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? .connectionLost(error.detail) : .error(error))
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

import Clocks
import Synchronization

/// Publishes records: idempotent, acknowledged by all replicas in sync, in order per partition.
///
/// A record that was handed over cannot be taken back: a caller that stops waiting, by cancellation or deadline, gets an
/// error whose ``KafkaError/mayBeWritten`` says so. When librdkafka declares its client dead, a new one takes its place,
/// and what was under way is reported as failed.
package final class KafkaProducer: Sendable {
    private struct State {
        var handle: ProducerHandle
        var isClosed = false
        var replacedAt: MonotonicInstant?
    }

    private let configuration: KafkaConfiguration
    private let time: any TimeSource
    private let onEvent: @Sendable (KafkaEvent) -> Void
    private let state: Mutex<State>

    /// - Throws: `KafkaError` for a configuration that librdkafka refuses; that brokers are away is no error.
    package init(
        configuration: KafkaConfiguration, time: any TimeSource,
        onEvent: @escaping @Sendable (KafkaEvent) -> Void = { _ in }
    ) throws(KafkaError) {
        self.configuration = configuration
        self.time = time
        self.onEvent = onEvent
        state = Mutex(State(handle: try ProducerHandle(configuration, time: time, onEvent: onEvent)))
    }

    deinit {
        // The client's thread keeps the handle until it has ended.
        state.withLock { $0.handle }.close(by: time.now)
    }

    /// How many records were handed over and not answered for.
    package var outstandingCount: Int { state.withLock { $0.handle }.outstandingCount }

    /// Publishes one record and waits for its acknowledgement; the deadline is the delivery timeout unless given.
    package func send(_ record: KafkaRecord, deadline: MonotonicInstant? = nil) async throws(KafkaError)
        -> KafkaPosition
    {
        try await send([record], deadline: deadline)[0].get()
    }

    /// Publishes records in order and waits for all answers; one wake-up, however many they are.
    ///
    /// When the client's queue is full, the records wait for room. At the deadline, or when the task is cancelled, those
    /// without an answer fail, and ``KafkaError/mayBeWritten`` tells which of them were on their way.
    package func send(
        _ records: [KafkaRecord], deadline: MonotonicInstant? = nil
    ) async -> [Result<KafkaPosition, KafkaError>] {
        guard !records.isEmpty else { return [] }
        // librdkafka gives up at the delivery timeout, which it looks at once a second; ours comes after that, for records
        // that wait for room.
        let deadline = deadline ?? time.now.advanced(by: configuration.deliveryTimeout + .seconds(2))
        let handle: ProducerHandle
        do {
            handle = try usableHandle()
        } catch {
            return records.map { _ in .failure(error) }
        }
        guard let ticket = handle.open(count: records.count, deadline: deadline) else {
            return records.map { _ in .failure(handle.fatalError ?? .closed) }
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { handle.submit(records, as: ticket, answerTo: $0) }
        } onCancel: {
            handle.abandon(ticket, .cancelled)
        }
    }

    private func usableHandle() throws(KafkaError) -> ProducerHandle {
        let now = time.now
        let result = state.withLock { state -> Result<(ProducerHandle, KafkaError?), KafkaError> in
            guard !state.isClosed else { return .failure(.closed) }
            guard let fatal = state.handle.fatalError else { return .success((state.handle, nil)) }
            // A cause that lasts must not make a client a second time within the second.
            if let last = state.replacedAt, last.duration(to: now) < .seconds(1) { return .failure(fatal) }
            do throws(KafkaError) {
                state.handle = try ProducerHandle(configuration, time: time, onEvent: onEvent)
            } catch {
                return .failure(error)
            }
            state.replacedAt = now
            return .success((state.handle, fatal))
        }
        let (handle, fatal) = try result.get()
        if let fatal { onEvent(.replaced(fatal)) }
        return handle
    }

    /// Whether a broker answers within `timeout`.
    package func reachesBroker(timeout: Duration) async -> Bool {
        guard let handle = try? usableHandle() else { return false }
        return await handle.reachesBroker(timeout: timeout)
    }

    /// Ends the producer; records that are not acknowledged yet are reported as failed.
    package func close() {
        end(patience: .zero)
    }

    /// Ends the producer when all records are acknowledged, at the latest after `patience`; returns when it is gone.
    package func close(patience: Duration) async {
        end(patience: patience)
        await state.withLock { $0.handle }.ended()
    }

    private func end(patience: Duration) {
        let handle = state.withLock { state in
            state.isClosed = true
            return state.handle
        }
        handle.close(by: time.now.advanced(by: patience))
    }

    /// For tests: ends the client underneath as librdkafka does.
    func failForTesting() {
        state.withLock { $0.handle }.failForTesting()
    }
}

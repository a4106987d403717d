import Clocks
import Synchronization

/// Publishes records: idempotent, acknowledged by all replicas in sync, in order per partition.
///
/// A record that was handed over cannot be taken back: a caller that stops waiting knows nothing of its fate. When librdkafka
/// declares its client dead, a new one takes its place, and what was under way is reported as failed.
package final class KafkaProducer: Sendable {
    private struct State {
        var handle: ProducerHandle
        var isClosed = false
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
        state = Mutex(State(handle: try ProducerHandle(configuration, onEvent: onEvent)))
    }

    /// How many records were handed over and not answered for.
    package var outstandingCount: Int { state.withLock { $0.handle }.outstandingCount }

    /// Publishes one record and waits for its acknowledgement, at most about the delivery timeout.
    package func send(_ record: KafkaRecord) async throws(KafkaError) -> KafkaPosition {
        try await send([record])[0].get()
    }

    /// Publishes records in order and waits for all answers; one wake-up, however many they are.
    package func send(_ records: [KafkaRecord]) async -> [Result<KafkaPosition, KafkaError>] {
        guard !records.isEmpty else { return [] }
        let batch = DeliveryBatch(count: records.count)
        guard let handle = usableHandle() else { return records.map { _ in .failure(.closed) } }
        let giveUp = time.now.advanced(by: configuration.deliveryTimeout)
        for (index, record) in records.enumerated() {
            while !handle.produce(record, batch: batch, index: index) {
                // The queue is full: what is under way makes room.
                guard time.now < giveUp, (try? await time.sleep(for: .milliseconds(5))) != nil else {
                    batch.complete(index, .failure(.queueFull))
                    break
                }
            }
        }
        return await batch.results()
    }

    private func usableHandle() -> ProducerHandle? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            if let fatal = state.handle.fatalError {
                guard let fresh = try? ProducerHandle(configuration, onEvent: onEvent) else { return state.handle }
                state.handle.close()
                state.handle = fresh
                onEvent(.replaced(fatal))
            }
            return state.handle
        }
    }

    /// Whether a broker answers within `timeout`.
    package func reachesBroker(timeout: Duration) async -> Bool {
        guard let handle = usableHandle() else { return false }
        return await handle.reachesBroker(timeout: timeout)
    }

    /// Ends the producer; records that are not acknowledged yet are reported as failed.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            state.handle.close()
        }
    }
}

extension KafkaError {
    static let queueFull = KafkaError(
        code: -184, name: "_QUEUE_FULL", detail: "the producer's queue stayed full", isRetriable: true)
}

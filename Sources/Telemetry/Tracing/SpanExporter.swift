import Clocks
import Synchronization

/// Collects finished spans and sends them in batches, beside the work and never in its way.
///
/// A batch that cannot be delivered is dropped and counted: traces are a help, not a record.
package final class SpanExporter: Sendable {
    /// Sends one OTLP/HTTP JSON document (`POST /v1/traces`); throws when it was not accepted. Must have a deadline.
    package typealias Transport = @Sendable ([UInt8]) async throws -> Void

    private let service: String
    private let interval: Duration
    private let time: any TimeSource
    private let queue: Mutex<SpanQueue>
    private let batches: AsyncStream<Void>
    private let batchIsFull: AsyncStream<Void>.Continuation

    /// A finished span waits at most `interval` for its batch to fill.
    package init(
        service: String, queue: SpanQueue = SpanQueue(), interval: Duration = .seconds(1), time: any TimeSource
    ) {
        self.service = service
        self.interval = interval
        self.time = time
        self.queue = Mutex(queue)
        (batches, batchIsFull) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What became of the spans so far.
    package struct Statistics: Hashable, Sendable {
        package var delivered: UInt64
        /// They found the queue full.
        package var dropped: UInt64
        /// Their batch was not accepted.
        package var lost: UInt64

        package init(delivered: UInt64, dropped: UInt64, lost: UInt64) {
            self.delivered = delivered
            self.dropped = dropped
            self.lost = lost
        }
    }

    package var statistics: Statistics {
        queue.withLock {
            Statistics(delivered: $0.deliveredCount, dropped: $0.droppedCount, lost: $0.lostCount)
        }
    }

    /// Takes a finished span; never waits.
    package func add(_ span: SpanData) {
        if queue.withLock({ $0.add(span) }) == .batchIsFull { batchIsFull.yield() }
    }

    /// Ends ``run(sending:)`` once it has sent what waits.
    package func stop() {
        batchIsFull.finish()
    }

    /// Exports until it is stopped, and then all that is left; cancelling the task ends it at once, and what is left is
    /// counted as lost.
    package func run(sending transport: @escaping Transport) async {
        await withTaskGroup(of: Void.self) { group in
            let ticks = batchIsFull
            let (time, interval) = (time, interval)
            group.addTask {
                while (try? await time.sleep(for: interval)) != nil { ticks.yield() }
                ticks.finish()
            }
            for await _ in batches { await flush(sending: transport) }
            group.cancelAll()
        }
        await flush(sending: transport)
    }

    /// Sends everything that waits, batch by batch.
    private func flush(sending transport: Transport) async {
        while true {
            let batch = queue.withLock { $0.takeBatch() }
            guard !batch.isEmpty else { return }
            do {
                try await transport(OTLPTraceDocument.encode(batch, service: service))
                queue.withLock { $0.countDelivered(batch.count) }
            } catch {
                queue.withLock { $0.countLost(batch.count) }
            }
        }
    }
}

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
    private let transport: Transport
    private let queue: Mutex<SpanQueue>
    private let batches: AsyncStream<Void>
    private let batchIsFull: AsyncStream<Void>.Continuation

    /// A finished span waits at most `interval` for its batch to fill.
    package init(
        service: String, queue: SpanQueue = SpanQueue(), interval: Duration = .seconds(1), time: any TimeSource,
        transport: @escaping Transport
    ) {
        self.service = service
        self.interval = interval
        self.time = time
        self.transport = transport
        self.queue = Mutex(queue)
        (batches, batchIsFull) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many spans were dropped because the queue was full or a batch was not accepted.
    package var droppedCount: UInt64 { queue.withLock { $0.droppedCount } }

    /// Takes a finished span; never waits.
    package func add(_ span: SpanData) {
        if queue.withLock({ $0.add(span) }) == .batchIsFull { batchIsFull.yield() }
    }

    /// Exports until the task is cancelled; then ``flush()`` sends what is left.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            let ticks = batchIsFull
            let (time, interval) = (time, interval)
            group.addTask {
                while (try? await time.sleep(for: interval)) != nil { ticks.yield() }
                ticks.finish()
            }
            for await _ in batches {
                await flush()
            }
            group.cancelAll()
        }
    }

    /// Sends everything that waits, batch by batch.
    package func flush() async {
        while true {
            let batch = queue.withLock { $0.takeBatch() }
            guard !batch.isEmpty else { return }
            do {
                try await transport(OTLPTraceDocument.encode(batch, service: service))
            } catch {
                queue.withLock { $0.countLost(batch.count) }
            }
        }
    }
}

import Synchronization

/// Collects what arrives while earlier work is being written, and writes it together.
///
/// Nothing waits for company: with a free flush, an input starts one at once, alone if it is alone. Under load a
/// batch is what has arrived meanwhile, up to a bound.
package final class GroupCommit<Input: Sendable, Output: Sendable>: Sendable {
    /// Why an input was not taken.
    package enum Rejection: Error, Sendable {
        /// Too many inputs wait; nothing was written.
        case full
        /// The service is stopping; nothing was written.
        case stopped
        /// Its time was over before its batch began; nothing was written.
        case expired
    }

    private struct Entry {
        var input: Input
        var continuation: CheckedContinuation<Result<Output, any Error>, Never>
    }

    private struct State {
        var waiting: [Entry] = []
        var running = 0
        var isStopped = false

        mutating func take(_ count: Int) -> [Entry] {
            let batch = Array(waiting.prefix(count))
            waiting.removeFirst(batch.count)
            return batch
        }
    }

    private let maximumBatch: Int
    private let maximumWaiting: Int
    private let flushes: Int
    private let isExpired: @Sendable (Input) -> Bool
    private let write: @Sendable ([Input]) async -> [Result<Output, any Error>]
    private let state = Mutex(State())
    private let arrived = Signal()

    /// - Parameters:
    ///   - flushes: how many batches may be written at once.
    ///   - isExpired: whether nobody waits for the input any more, asked when its batch begins.
    ///   - write: writes a batch; answers one result an input.
    package init(
        maximumBatch: Int, maximumWaiting: Int, flushes: Int,
        isExpired: @escaping @Sendable (Input) -> Bool = { _ in false },
        write: @escaping @Sendable ([Input]) async -> [Result<Output, any Error>]
    ) {
        self.maximumBatch = maximumBatch
        self.maximumWaiting = maximumWaiting
        self.flushes = flushes
        self.isExpired = isExpired
        self.write = write
    }

    /// Has the input written and answers its result. An input that was taken is written even if the caller is
    /// cancelled meanwhile: half-cancelled work would be worse than work nobody waits for.
    ///
    /// - Throws: ``Rejection``, or what writing it came to.
    package func submit(_ input: Input) async throws -> Output {
        let result = await withCheckedContinuation { continuation in
            let rejection = state.withLock { state -> Rejection? in
                if state.isStopped { return .stopped }
                guard state.waiting.count < maximumWaiting else { return .full }
                state.waiting.append(Entry(input: input, continuation: continuation))
                return nil
            }
            if let rejection { continuation.resume(returning: .failure(rejection)) } else { arrived.notify() }
        }
        return try result.get()
    }

    /// Writes until cancelled; then everything that was taken is still written, and later inputs are rejected.
    package func run() async {
        await withDiscardingTaskGroup { group in
            repeat {
                while let batch = startBatch() {
                    group.addTask {
                        // Unstructured on purpose: a batch that was taken is written whatever becomes of the service.
                        await Task { await self.flush(batch) }.value
                        self.state.withLock { $0.running -= 1 }
                        self.arrived.notify()
                    }
                }
            } while await arrived.wait()
        }
        await drain()
    }

    private func startBatch() -> [Entry]? {
        state.withLock { state in
            guard state.running < flushes, !state.waiting.isEmpty else { return nil }
            state.running += 1
            return state.take(maximumBatch)
        }
    }

    private func drain() async {
        state.withLock { $0.isStopped = true }
        while case let batch = state.withLock({ $0.take(maximumBatch) }), !batch.isEmpty { await flush(batch) }
    }

    private func flush(_ taken: [Entry]) async {
        var batch: [Entry] = []
        for entry in taken {
            if isExpired(entry.input) {
                entry.continuation.resume(returning: .failure(Rejection.expired))
            } else {
                batch.append(entry)
            }
        }
        guard !batch.isEmpty else { return }
        let results = await write(batch.map(\.input))
        precondition(results.count == batch.count, "a result for each input")
        for (entry, result) in zip(batch, results) { entry.continuation.resume(returning: result) }
    }
}

/// Finished spans that wait for their export: bounded, oldest first; what does not fit is dropped and counted.
package struct SpanQueue: Sendable {
    package enum Addition: Hashable, Sendable {
        /// It waits with others for the next export.
        case waits
        /// A full batch is there: export now.
        case batchIsFull
        /// There was no room; the span is gone and counted.
        case dropped
    }

    package let capacity: Int
    package let batchSize: Int
    /// Spans that found no room.
    package private(set) var droppedCount: UInt64 = 0
    /// Spans that were taken out and could not be delivered.
    package private(set) var lostCount: UInt64 = 0
    /// Spans that were delivered.
    package private(set) var deliveredCount: UInt64 = 0
    private var spans: [SpanData] = []

    package init(capacity: Int = 4096, batchSize: Int = 512) {
        precondition(batchSize > 0 && capacity >= batchSize, "the queue must hold a batch")
        self.capacity = capacity
        self.batchSize = batchSize
    }

    package var count: Int { spans.count }

    package mutating func add(_ span: SpanData) -> Addition {
        guard spans.count < capacity else {
            droppedCount += 1
            return .dropped
        }
        spans.append(span)
        return spans.count % batchSize == 0 ? .batchIsFull : .waits
    }

    /// Takes out the oldest spans, at most a batch; empty when none waits.
    package mutating func takeBatch() -> [SpanData] {
        let batch = Array(spans.prefix(batchSize))
        spans.removeFirst(batch.count)
        return batch
    }

    /// Counts spans that were taken out and could not be delivered.
    package mutating func countLost(_ count: Int) {
        lostCount += UInt64(count)
    }

    /// Counts spans that were taken out and delivered.
    package mutating func countDelivered(_ count: Int) {
        deliveredCount += UInt64(count)
    }
}

/// What each idempotent producer has written to a partition last, by which repeats and gaps are recognised.
struct ProducerSequences {
    enum Verdict: Equatable {
        case next
        case duplicate(of: Int64)
        case refused(ErrorCode)
    }

    private struct Written {
        var firstSequence: Int32
        var lastSequence: Int32
        var offset: Int64
    }

    private struct Producer {
        var epoch: Int16
        /// As many as a producer may have under way, the latest last.
        var recent: [Written]
        var lastUse: UInt64
    }

    /// As many batches as an idempotent producer has under way at most.
    private static let remembered = 5
    /// Producers remembered; those that were silent for the longest time are forgotten first.
    static let maximumProducers = 1000

    private var producers: [Int64: Producer] = [:]
    private var uses: UInt64 = 0

    /// Judges a batch before it is written.
    ///
    /// The first batch of a producer is taken whatever its number: its earlier ones may be forgotten, here or with the
    /// broker that ran before this one.
    func check(_ batch: RecordBatch) -> Verdict {
        guard batch.producer >= 0, let known = producers[batch.producer], let last = known.recent.last else {
            return .next
        }
        guard batch.producerEpoch >= known.epoch else { return .refused(.invalidProducerEpoch) }
        guard batch.producerEpoch == known.epoch else {
            return batch.firstSequence == 0 ? .next : .refused(.outOfOrderSequence)
        }
        let repeated = known.recent.last {
            $0.firstSequence == batch.firstSequence && $0.lastSequence == batch.lastSequence
        }
        if let repeated { return .duplicate(of: repeated.offset) }
        let expected = last.lastSequence == .max ? 0 : last.lastSequence + 1
        return batch.firstSequence == expected ? .next : .refused(.outOfOrderSequence)
    }

    /// Notes a batch that has been written.
    mutating func note(_ batch: RecordBatch) {
        guard batch.producer >= 0 else { return }
        uses += 1
        let written = Written(
            firstSequence: batch.firstSequence, lastSequence: batch.lastSequence, offset: batch.baseOffset)
        if producers[batch.producer]?.epoch == batch.producerEpoch {
            producers[batch.producer]?.recent.append(written)
            if let count = producers[batch.producer]?.recent.count, count > Self.remembered {
                producers[batch.producer]?.recent.removeFirst()
            }
            producers[batch.producer]?.lastUse = uses
        } else {
            producers[batch.producer] = Producer(epoch: batch.producerEpoch, recent: [written], lastUse: uses)
            if producers.count > Self.maximumProducers { forgetHalf() }
        }
    }

    private mutating func forgetHalf() {
        let middle = producers.values.map(\.lastUse).sorted()[producers.count / 2]
        producers = producers.filter { $0.value.lastUse >= middle }
    }
}

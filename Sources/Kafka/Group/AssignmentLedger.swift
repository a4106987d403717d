/// What became of the messages of the assigned partitions: handed out, finished, committed.
///
/// Pure. Offsets are the *next* ones: one above the last message they cover.
struct AssignmentLedger {
    /// One assigned partition.
    struct Entry: Equatable {
        let partition: KafkaPartition
        /// Tells this assignment's messages from those of earlier ones and from before a reset of the position;
        /// unique over all entries there ever were.
        fileprivate(set) var generation: UInt32
        /// After the last message handed out. Invariant: `finished ≤ handedOut` when both are known.
        fileprivate(set) var handedOut: Int64?
        /// After the last message that is handled.
        fileprivate(set) var finished: Int64?
        /// What the commit under way covers.
        fileprivate(set) var committing: Int64?
        /// What the group has on record.
        fileprivate(set) var committed: Int64?

        /// Whether somebody works on a message of this partition.
        var isInProgress: Bool { (handedOut ?? 0) > (finished ?? handedOutFrom ?? 0) }
        /// The first message handed out in this generation.
        fileprivate(set) var handedOutFrom: Int64?

        /// Where the reader stands: what comes before is not its concern any more.
        var position: Int64? { finished ?? committed }

        fileprivate var isDirty: Bool {
            guard let finished else { return false }
            return finished != committed
        }
    }

    private(set) var entries: [Entry] = []
    private var index: [KafkaPartition: Int] = [:]
    private var lastGeneration: UInt32 = 0

    var isEmpty: Bool { entries.isEmpty }
    var isInProgress: Bool { entries.contains(where: \.isInProgress) }
    var isDirty: Bool { entries.contains(where: \.isDirty) }

    func slot(of partition: KafkaPartition) -> Int? { index[partition] }

    /// Begins a new assignment; whatever was under way belongs to nobody now.
    mutating func begin(_ partitions: [KafkaPartition]) {
        entries = partitions.map { partition in
            lastGeneration &+= 1
            return Entry(partition: partition, generation: lastGeneration)
        }
        index = Dictionary(partitions.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func end() {
        entries = []
        index = [:]
    }

    /// Notes that the message at `offset` is handed out.
    ///
    /// - Returns: the generation it belongs to, and where the position was when the message lies before it: the
    ///   broker has forgotten what it had, and what was finished or committed means nothing any more.
    mutating func handOut(_ slot: Int, offset: Int64) -> (generation: UInt32, resetFrom: Int64?) {
        var resetFrom: Int64?
        if let expected = entries[slot].handedOut, offset < expected {
            resetFrom = expected
            lastGeneration &+= 1
            entries[slot] = Entry(partition: entries[slot].partition, generation: lastGeneration)
        }
        if entries[slot].handedOutFrom == nil { entries[slot].handedOutFrom = offset }
        entries[slot].handedOut = offset + 1
        return (entries[slot].generation, resetFrom)
    }

    /// Notes that the message at `offset`, and with it all before, is handled.
    ///
    /// - Returns: false for a message of an earlier generation, whose partition may be somebody else's now.
    mutating func finish(_ slot: Int, generation: UInt32, offset: Int64) -> Bool {
        guard entries.indices.contains(slot), entries[slot].generation == generation else { return false }
        entries[slot].finished = max(entries[slot].finished ?? 0, offset + 1)
        return true
    }

    /// Notes what the group had on record when the partition was assigned.
    mutating func recall(_ partition: KafkaPartition, committed: Int64) {
        guard let slot = index[partition], entries[slot].committed == nil else { return }
        entries[slot].committed = committed
    }

    /// The offsets that are finished and not committed; they count as being committed from now on.
    mutating func takeCommit() -> [NextOffset] {
        var offsets: [NextOffset] = []
        for slot in entries.indices where entries[slot].isDirty {
            entries[slot].committing = entries[slot].finished
            offsets.append(NextOffset(partition: entries[slot].partition, offset: entries[slot].finished ?? 0))
        }
        return offsets
    }

    /// Notes what became of the commit under way: only what is listed succeeded.
    mutating func endCommit(succeeded: [NextOffset]) {
        for offset in succeeded {
            guard let slot = index[offset.partition], entries[slot].committing == offset.offset else { continue }
            entries[slot].committed = offset.offset
        }
        for slot in entries.indices { entries[slot].committing = nil }
    }
}

/// The topics by name and their partitions, each in a slot of its own.
struct TopicTable {
    /// A partition: its records, and the connections that wait for more of them.
    struct Partition {
        var log: PartitionLog
        var waiters: [ConnectionKey] = []
    }

    let limits: BrokerLimits
    private var slots: [Partition] = []
    private var free: [Int] = []
    /// Of each topic the slots of its partitions, in their order.
    private var topics: [String: [Int]] = [:]

    init(limits: BrokerLimits) {
        self.limits = limits
    }

    var names: [String] { topics.keys.sorted() }

    subscript(slot: Int) -> Partition {
        get { slots[slot] }
        _modify { yield &slots[slot] }
    }

    func partitionCount(_ name: String) -> Int32? { topics[name].map { Int32(clamping: $0.count) } }

    /// The slot of a partition; nil when there is no such partition.
    func slot(_ topic: String, _ number: Int32) -> Int? {
        guard let partitions = topics[topic], partitions.indices.contains(Int(number)) else { return nil }
        return partitions[Int(number)]
    }

    /// Why a topic cannot be made; ``ErrorCode/none`` when it can.
    func refusal(of name: String, partitions: Int32) -> ErrorCode {
        if topics[name] != nil { return .topicAlreadyExists }
        guard TopicSpecification.isName(name) else { return .invalidTopic }
        guard (1...1000).contains(partitions) else { return .invalidPartitions }
        let used = slots.count - free.count
        return used + Int(partitions) <= limits.maximumPartitions ? .none : .policyViolation
    }

    mutating func create(_ name: String, partitions: Int32) -> ErrorCode {
        let refusal = refusal(of: name, partitions: partitions)
        guard refusal == .none else { return refusal }
        topics[name] = (0..<partitions).map { _ in
            let partition = Partition(log: PartitionLog(retention: limits.retention))
            guard let slot = free.popLast() else {
                slots.append(partition)
                return slots.count - 1
            }
            slots[slot] = partition
            return slot
        }
        return .none
    }

    /// - Returns: the connections that waited for records of the topic; nil when there is no such topic.
    mutating func delete(_ name: String) -> [ConnectionKey]? {
        guard let gone = topics.removeValue(forKey: name) else { return nil }
        let waiters = gone.flatMap { slots[$0].waiters }
        for slot in gone { slots[slot] = Partition(log: PartitionLog(retention: limits.retention)) }
        free += gone
        return waiters
    }
}

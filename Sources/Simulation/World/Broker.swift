import Clocks
import Contracts
import Messaging

/// A message in the broker's log.
struct Record: Hashable {
    /// What became of it.
    enum Fate: Hashable {
        case unread
        /// Committed by whoever handled it.
        case handled
        /// Kept with its reason.
        case parked
    }

    /// Its number in the world; a message that is sent twice is two records.
    var number: Int
    /// The number of what came by another way than the broker.
    static let direct = -1
    var topic: Topic
    var envelope: MessageEnvelope
}

/// The broker: logs by partition, groups of consumers, their offsets.
struct Broker {
    /// A topic's partition, by its place among all.
    typealias Place = Int

    struct Group {
        /// Replicas in the group.
        var members: [Int] = []
        /// Changes with every assignment; a commit under an older one is refused.
        var generation = 0
    }

    /// The topics that somebody in the suite reads; the others are for the outside.
    static let topics: [(topic: Topic, reader: SimulatedService)] = [
        (.inventoryCommands, .inventory), (.paymentCommands, .payment), (.shippingCommands, .shipping),
        (.orderEvents, .shipping), (.sagaReplies, .order), (.shippingEvents, .order),
    ]

    let partitions: Int
    private(set) var logs: [[Record]]
    /// By partition, the offset its group has committed.
    var committed: [Int]
    var groups: [Group] = Array(repeating: Group(), count: 4)
    /// By record.
    private(set) var fates: [Record.Fate] = []

    init(partitions: Int) {
        self.partitions = partitions
        logs = Array(repeating: [], count: Self.topics.count * partitions)
        committed = Array(repeating: 0, count: Self.topics.count * partitions)
    }

    static func topicIndex(_ topic: String) -> Int? { topics.firstIndex { $0.topic.rawValue == topic } }

    func topicIndex(of place: Place) -> Int { place / partitions }

    func places(readBy service: SimulatedService) -> [Place] {
        logs.indices.filter { Self.topics[$0 / partitions].reader == service }
    }

    /// Appends; answers where, or nil for a topic that nobody here reads.
    mutating func append(_ message: OutgoingMessage) -> Place? {
        guard let index = Self.topicIndex(message.topic) else { return nil }
        let key = message.envelope.orderID
        let place = index * partitions + Int((key.high ^ key.low) % UInt64(partitions))
        logs[place].append(
            Record(number: fates.count, topic: Self.topics[index].topic, envelope: message.envelope))
        fates.append(.unread)
        return place
    }

    mutating func settle(_ record: Record, _ fate: Record.Fate) {
        if record.number != Record.direct { fates[record.number] = fate }
    }

    /// Forgets all messages and all offsets.
    mutating func forget() {
        for place in logs.indices {
            logs[place] = []
            committed[place] = 0
        }
    }

    /// Records whose offset is committed although nobody has handled or kept them.
    func dropped() -> [Record] {
        logs.indices.flatMap { place in
            logs[place].prefix(committed[place]).filter { fates[$0.number] == .unread }
        }
    }

    var isDrained: Bool { logs.indices.allSatisfy { committed[$0] == logs[$0].count } }
}

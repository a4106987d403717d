/// A topic to create when the broker starts.
package struct TopicSpecification: Hashable, Sendable {
    /// The topic's name.
    package var name: String
    /// How many partitions it has; 1 to 1000.
    package var partitions: Int32

    /// Creates the specification of a topic.
    package init(name: String, partitions: Int32) {
        self.name = name
        self.partitions = partitions
    }

    /// Reads `name:partitions` or `name` (which gets 12 partitions); nil when it is neither.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, Self.isName(name) else { return nil }
        switch parts.count {
        case 1: self.init(name: String(name), partitions: Self.commandPartitions)
        case 2:
            guard let partitions = Int32(parts[1]), (1...1000).contains(partitions) else { return nil }
            self.init(name: String(name), partitions: partitions)
        default: return nil
        }
    }

    /// Whether a topic may be called that.
    static func isName(_ name: some StringProtocol) -> Bool {
        (1...249).contains(name.utf8.count) && name != "." && name != ".." && name.utf8.allSatisfy(isTopicByte)
    }

    private static func isTopicByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension TopicSpecification {
    /// Partitions of what the saga waits for: the bound on how many replicas share the work.
    package static let commandPartitions: Int32 = 12
    /// Partitions of the facts: read by fewer, and each costs up to 16 MiB of memory.
    package static let eventPartitions: Int32 = 4

    /// The topics of the suite, and the dead letters of those that a service consumes.
    package static let suite: [TopicSpecification] = {
        let commands = ["inventory.commands", "payment.commands", "shipping.commands", "saga.replies"]
        let events = ["order.events", "inventory.events", "payment.events", "shipping.events"]
        let consumed = commands + ["order.events", "shipping.events"]
        return commands.map { TopicSpecification(name: $0, partitions: commandPartitions) }
            + events.map { TopicSpecification(name: $0, partitions: eventPartitions) }
            + consumed.map { TopicSpecification(name: $0 + ".dead-letter", partitions: 1) }
    }()
}

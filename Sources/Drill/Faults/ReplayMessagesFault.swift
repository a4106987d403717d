import LocalStack

/// Publishes messages of a topic again: twice, late and out of order, as a producer's retry, a rewound group or a restored
/// backup does.
package struct ReplayMessagesFault: Fault {
    package static let kind = "replay-messages"
    package static let summary = "publishes messages of topics again, in their order or in another"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let topics: [String]
    private let share: Double
    private let isShuffled: Bool
    /// Whether each copy gets an id of its own, so that no inbox knows it.
    private let isRenamed: Bool
    private let times: Int
    private let pause: Duration

    package init(_ fields: FieldReader) {
        topics = fields.texts("topics")
        if topics.isEmpty { fields.refuse("must name at least one topic", at: "topics") }
        share = fields.number("share", in: 0.01...1, or: 1)
        isShuffled = fields.flag("shuffled", or: false)
        isRenamed = fields.flag("renamed", or: false)
        times = fields.integer("times", in: 1...100, or: 1)
        pause = fields.duration("every", or: .seconds(2))
    }

    package func missing(in context: DrillContext) async -> String? { MessageTool.missing }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var published = 0
        for round in 0..<times {
            if round > 0, (try? await context.time.sleep(for: pause)) == nil { break }
            var arguments = ["replay", "--share", String(share), "--seed", String(context.random.next() >> 12)]
            if isShuffled { arguments.append("--shuffled") }
            if isRenamed { arguments.append("--renamed") }
            published += try await MessageTool.run(arguments, topics, in: context)
        }
        guard published > 0 else { throw DrillError("the topics held no message to publish again") }
        return "published \(published) messages of \(topics.joined(separator: ", ")) again"
            + (isShuffled ? ", out of order" : "") + (isRenamed ? ", under new ids" : "")
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        "nothing to heal: the messages are handled, or known already"
    }
}

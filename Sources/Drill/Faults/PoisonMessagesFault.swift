import LocalStack

/// Publishes messages that cannot be handled: bytes that are no message, or messages whose content makes no sense.
package struct PoisonMessagesFault: Fault {
    package static let kind = "poison-messages"
    package static let summary = "publishes messages that cannot be handled; they have to be parked"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private enum Form: String, CaseIterable, Sendable {
        /// Random bytes without any header.
        case undecodable
        /// The envelope of a message that was sent, with a new id and a content of the wrong form.
        case wrong
        /// Random bytes under the key of an order, and behind them four messages about it that could be handled.
        case followed
    }

    private let topics: [String]
    private let form: Form
    private let count: Int
    private let times: Int
    private let pause: Duration

    package init(_ fields: FieldReader) {
        topics = fields.texts("topics")
        if topics.isEmpty { fields.refuse("must name at least one topic", at: "topics") }
        form = fields.choice("form", or: .undecodable)
        count = fields.integer("count", in: 1...1000, or: 1)
        times = fields.integer("times", in: 1...100, or: 1)
        pause = fields.duration("every", or: .seconds(1))
    }

    package func missing(in context: DrillContext) async -> String? { MessageTool.missing }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var published = 0
        for round in 0..<times {
            if round > 0, (try? await context.time.sleep(for: pause)) == nil { break }
            published += try await MessageTool.run(
                [
                    "poison", "--form", form.rawValue, "--count", String(count), "--seed",
                    String(context.random.next() >> 12),
                ],
                topics, in: context)
        }
        guard published > 0 else { throw DrillError("nothing was published") }
        return
            "published \(published) messages that cannot be handled (\(form.rawValue)) to \(topics.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        "nothing to heal: what cannot be handled is parked"
    }
}

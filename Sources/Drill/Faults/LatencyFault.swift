import Clocks

/// Makes links long: everything arrives later, in order.
package struct LatencyFault: Fault {
    package static let kind = "latency"
    package static let summary = "delays what passes on links, with jitter"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern
    private let side: LinkSide
    private let delay: Duration
    private let jitter: Duration

    package init(_ fields: FieldReader) {
        link = .read(fields)
        side = fields.choice("side", or: .both)
        delay = fields.duration("delay")
        jitter = fields.duration("jitter", or: .zero)
        if delay > .seconds(600) { fields.refuse("must be at most 10m", at: "delay") }
        if jitter > .seconds(600) { fields.refuse("must be at most 10m", at: "jitter") }
    }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let faults =
            "{\"latencyMilliseconds\":\(delay.wholeMilliseconds),\"jitterMilliseconds\":\(jitter.wholeMilliseconds)}"
        let links = try await context.put(faults, link, side)
        return "\(delay.written) ± \(jitter.written) (\(side.rawValue)) on \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

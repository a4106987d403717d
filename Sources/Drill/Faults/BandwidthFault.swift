/// Makes links thin: so many bytes pass in a second, on each connection.
package struct BandwidthFault: Fault {
    package static let kind = "bandwidth"
    package static let summary = "lets only so many bytes a second pass on each connection of links"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern
    private let side: LinkSide
    private let rate: Int

    package init(_ fields: FieldReader) {
        link = .read(fields)
        side = fields.choice("side", or: .both)
        rate = fields.integer("bytesPerSecond", in: 1...1_000_000_000)
    }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let links = try await context.put("{\"bytesPerSecond\":\(rate)}", link, side)
        return "\(rate) bytes a second (\(side.rawValue)) on \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

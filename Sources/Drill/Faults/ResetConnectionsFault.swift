/// Resets connections, as a firewall that forgot them does, for as long as it lasts: open ones at once, new ones when
/// they have been made.
package struct ResetConnectionsFault: Fault {
    package static let kind = "reset-connections"
    package static let summary = "resets the connections of links, a share of them"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern
    private let share: Double

    package init(_ fields: FieldReader) {
        link = .read(fields)
        share = fields.number("share", in: 0.01...1, or: 1)
    }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let links = try await context.put("{\"reset\":true,\"share\":\(share)}", link, .requests)
        return "resets a share of \(share) of the connections on \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

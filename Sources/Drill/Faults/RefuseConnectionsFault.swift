/// Refuses new connections while open ones go on, as a server that is full or restarts its listener does.
package struct RefuseConnectionsFault: Fault {
    package static let kind = "refuse-connections"
    package static let summary = "refuses new connections on links; open ones go on"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern

    package init(_ fields: FieldReader) { link = .read(fields) }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let links = try await context.put(#"{"refuse":true}"#, link, .requests)
        return "new connections are refused on \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

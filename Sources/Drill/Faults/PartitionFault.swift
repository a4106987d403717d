/// Cuts two parts off from each other: nothing passes, and nobody is told. Connections stay open; once healed they go on
/// with what was sent meanwhile, as TCP does.
package struct PartitionFault: Fault {
    package static let kind = "partition"
    package static let summary = "lets nothing pass on links, in one direction or both"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern
    private let side: LinkSide

    package init(_ fields: FieldReader) {
        link = .read(fields)
        side = fields.choice("side", or: .both)
    }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let links = try await context.put(#"{"blackHole":true}"#, link, side)
        return "nothing passes (\(side.rawValue)) on \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

/// Carries requests and loses their answers: the connection is cut when the first byte of an answer comes.
///
/// The request was carried out, and who asked does not know it: the case in which money is taken twice.
package struct LoseAnswersFault: Fault {
    package static let kind = "lose-answers"
    package static let summary = "passes requests on and cuts the connection at the first byte of the answer"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let link: LinkPattern
    private let share: Double
    private let isReset: Bool

    package init(_ fields: FieldReader) {
        link = .read(fields)
        share = fields.number("share", in: 0.01...1, or: 1)
        isReset = fields.flag("reset", or: false)
    }

    package func missing(in context: DrillContext) async -> String? { context.missingLinks(link) }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        let links = try await context.put(
            "{\"cutAfterBytes\":0,\"cutWith\":\"\(isReset ? "reset" : "close")\",\"share\":\(share)}", link, .answers)
        return "answers are lost on a share of \(share) of the connections of \(links.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String { try await context.healLinks() }
}

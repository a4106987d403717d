/// One statement about a whole run, and the check that it held.
package struct Invariant: Sendable {
    /// `I1` to `I12`.
    package let id: String
    package let title: String
    /// The promises it stands for, by the names the documentation gives them.
    package let promises: [Violation.Promise]
    package let statement: String
    package let check: @Sendable (Observation) -> Finding

    /// In the order of their ids.
    package static let all: [Invariant] = [
        acknowledgedIsKept, oneFinalState, legalHistory, money, oneCharge, stock, nothingFromNothing, nothingDropped,
        sessions, reconciliation, liveness, serviceLevel,
    ]

    /// Those an experiment names: `all`, ids, or promises.
    ///
    /// - Returns: nil when the name is none.
    package static func named(_ name: String) -> [Invariant]? {
        if name == "all" { return all }
        let found = all.filter { $0.id == name || $0.promises.contains { $0.rawValue == name } }
        return found.isEmpty ? nil : found
    }
}

/// What a check found.
package struct Finding: Sendable, Equatable {
    package enum Verdict: String, Sendable {
        case held
        case violated
        /// It could not be said; never counted as held.
        case unknown
        /// There is nothing of the kind in this stack, as no provider's books without a provider.
        case notApplicable

        package var title: String { self == .notApplicable ? "not applicable" : rawValue }
    }

    package var verdict: Verdict
    /// How many things were looked at: a check that looked at nothing proves nothing.
    package var checked: Int
    package var violations = 0
    /// The first thing that is wrong in one sentence, or why nothing can be said.
    package var summary = ""
    /// How it came to that, event by event.
    package var counterexample: [String] = []
}

/// Gathers what a check sees: the first counterexample is kept, the others are counted.
struct Findings {
    private var finding = Finding(verdict: .held, checked: 0)

    mutating func look(_ count: Int = 1) { finding.checked += count }

    mutating func expect(_ holds: Bool, _ summary: @autoclosure () -> String, _ events: @autoclosure () -> [String]) {
        guard !holds else { return }
        finding.violations += 1
        guard finding.violations == 1 else { return }
        finding.verdict = .violated
        finding.summary = summary()
        finding.counterexample = events()
    }

    /// Says that some of it could not be looked at; a violation weighs more.
    mutating func doubt(_ summary: String) {
        guard finding.verdict == .held else { return }
        finding.verdict = .unknown
        finding.summary = summary
    }

    /// Says that there is nothing of the kind to look at.
    mutating func skip(_ summary: String) {
        finding.verdict = .notApplicable
        finding.summary = summary
    }

    var result: Finding {
        var result = finding
        if result.verdict == .held, result.checked == 0 {
            result.verdict = .unknown
            result.summary = "there was nothing to look at"
        }
        return result
    }
}

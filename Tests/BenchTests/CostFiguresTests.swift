import Testing

@testable import Bench

@Suite("Costs that are kept")
struct CostFiguresTests {
    private func figures(_ factor: Double, without figure: CostFigures.Figure? = nil) -> CostFigures {
        var measurement = Measurement(kind: .saturation, round: 1)
        measurement.commits = 10 * factor
        measurement.statements = figure == .statements ? nil : 50 * factor
        measurement.messages = 12 * factor
        measurement.logBytes = 9000 * factor
        var figures = CostFigures()
        for shape in CostFigures.Shape.allCases { figures.take(measurement, of: shape) }
        return figures
    }

    @Test("the file is read as it was written")
    func roundTrip() throws {
        let kept = figures(1)
        #expect(try #require(CostFigures(parsing: kept.written)) == kept)
        #expect(CostFigures(parsing: Array("{\"alone\":{}}".utf8)) == nil && CostFigures(parsing: []) == nil)
    }

    @Test(
        "a tenth more is held, what is beyond is not",
        arguments: [(1.0, false), (1.09, false), (1.11, true), (3, true)])
    func tolerance(factor: Double, isWorse: Bool) {
        let findings = figures(1).judge(figures(factor))
        #expect(findings.count == 8)
        #expect(findings.contains { $0.verdict == .worse } == isWorse)
    }

    @Test("under a crowd, what is counted by the batch has room, but not for batches of one")
    func crowd() {
        func verdict(_ factor: Double, _ figure: CostFigures.Figure) -> CostFigures.Finding.Verdict? {
            figures(1).judge(figures(factor)).first { $0.key == .init(shape: .crowd, figure: figure) }?.verdict
        }
        #expect(verdict(1.5, .commits) == .held && verdict(10, .commits) == .worse)
        #expect(verdict(1.5, .messages) == .worse && verdict(0.5, .messages) == .better)
    }

    @Test("what was not counted is no pass")
    func missing() {
        let findings = figures(1).judge(figures(1, without: .statements))
        #expect(findings.filter { $0.verdict == .missing }.map(\.key.figure) == [.statements, .statements])
    }
}

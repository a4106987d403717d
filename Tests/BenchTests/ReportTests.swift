import Testing

@testable import Bench

@Suite("Figures and tables")
struct ReportTests {
    private func measurement(_ kind: ScenarioKind, round: Int, perSecond: Double, postgres: Double = 0) -> Measurement {
        var found = Measurement(kind: kind, round: round)
        found.perSecond = perSecond
        found.time.postgres = postgres
        return found
    }

    @Test("numbers are rounded, and keep their sign and their zeros")
    func decimals() {
        #expect(Figures.decimal(1.005, 1) == "1.0" && Figures.decimal(0.995, 2) == "1.00")
        #expect(Figures.decimal(-0.04, 1) == "0.0" && Figures.decimal(-3.14159, 3) == "-3.142")
        #expect(Figures.decimal(12.5, 0) == "13" && Figures.decimal(.infinity, 1) == "-")
        #expect(Figures.short(0.256) == "0.26" && Figures.short(25.64) == "25.6" && Figures.short(2564.2) == "2564")
    }

    @Test("a median is the middle, and has its spread")
    func medians() throws {
        #expect(Figures.median([]) == nil && Figures.median([3, 1, 2]) == 2 && Figures.median([4, 1, 2, 3]) == 2.5)
        let one = try #require(Statistic([5]))
        #expect(one.text == "5.00" && Statistic([]) == nil)
        #expect(Statistic([30, 10, 20])?.text == "20.0 (10.0–30.0)")
    }

    @Test("ratios are of the same round: a slow machine slows both")
    func ratios() throws {
        var results = Results()
        for (round, speed) in [(1, 1.0), (2, 0.5), (3, 0.7)] {
            results.measurements.append(measurement(.limit, round: round, perSecond: 4000 * speed, postgres: 0.6))
            results.measurements.append(measurement(.saturation, round: round, perSecond: 2000 * speed))
        }
        let ratio = try #require(results.ratio(.saturation, \.perSecond, over: .limit, \.perSecond))
        #expect(ratio.median == 0.5 && ratio.lowest == 0.5 && ratio.highest == 0.5 && ratio.count == 3)
        #expect(results.ratio(.hot, \.perSecond, over: .limit, \.perSecond) == nil)
        // Twice the processor time of the limit, twice the budget.
        let budget = try #require(results.goals.first { $0.what.contains("services + Postgres") })
        #expect(budget.bound == .atMost(2))
    }

    @Test("a target is met, missed, or not judged")
    func goals() {
        func goal(_ bound: Goal.Bound, _ value: Double?) -> Goal {
            Goal(what: "", bound: bound, unit: " ms", found: value.flatMap { Statistic([$0]) })
        }
        #expect(goal(.atLeast(0.5), 0.5).isMet == true && goal(.atLeast(0.5), 0.49).isMet == false)
        #expect(goal(.atMost(20), 20).isMet == true && goal(.atMost(20), 20.1).isMet == false)
        #expect(goal(.none, 3).isMet == nil && goal(.atMost(1), nil).isMet == nil)
        #expect(goal(.atMost(20), 1).target == "≤ 20.0 ms")
    }

    @Test("what was not measured has no row, and no target")
    func tables() {
        var results = Results()
        #expect(results.goals.isEmpty)
        results.measurements.append(measurement(.ten, round: 1, perSecond: 10))
        let lines = BenchTables(results: results).markdown
        #expect(lines.contains { $0.hasPrefix("| ten |") } && !lines.contains { $0.hasPrefix("| saturation |") })
        let columns = Set(lines.suffix(4).filter { $0.hasPrefix("|") }.map { $0.count { $0 == "|" } })
        #expect(columns.count == 1)
    }

    @Test("a document's marked part is replaced and the rest is left alone")
    func marks() {
        let document = "# Title\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nrest\n"
        #expect(
            MarkedSection.replace("bench", in: document, with: ["new", "lines"])
                == "# Title\n<!-- bench:begin -->\nnew\nlines\n<!-- bench:end -->\nrest\n")
        #expect(MarkedSection.replace("costs", in: document, with: []) == nil)
        #expect(MarkedSection.replace("bench", in: "<!-- bench:end -->\n<!-- bench:begin -->", with: []) == nil)
    }

    @Test("an order's share is the total by the orders")
    func division() {
        var found = Measurement(kind: .saturation, round: 1)
        (found.orders, found.commits, found.statements, found.messages, found.logBytes) = (50, 25, 100, nil, 5000)
        found.time.broker = 10
        found.divide()
        #expect(found.commits == 0.5 && found.statements == 2 && found.messages == nil)
        #expect(found.logBytes == 100 && found.time.broker == 0.2)
    }
}

import LocalStack

/// The figures as tables, for a terminal and for a document.
struct BenchTables: Sendable {
    let results: Results

    private static let scenarioHead = [
        "scenario", "accepted/s", "final/s", "answered p50", "p99", "final p50", "p99", "order", "others", "broker",
        "Postgres", "all, ms", "load", "commits", "statements", "messages", "log B",
    ]

    private var scenarioRows: [[String]] {
        ScenarioKind.allCases.compactMap { kind in
            guard ![.idle, .start].contains(kind), let rate = results.statistic(kind, \.perSecond) else { return nil }
            func text(_ figure: (Measurement) -> Double?) -> String {
                results.statistic(kind, figure).map { Figures.short($0.median) } ?? ""
            }
            let isLimit = kind == .limit
            return [
                kind.rawValue, isLimit ? "" : text(\.acceptedPerSecond), rate.text,
                isLimit ? "" : text { $0.answered.p50 }, isLimit ? "" : text { $0.answered.p99 },
                isLimit ? "" : text { $0.final.p50 }, isLimit ? "" : text { $0.final.p99 },
                isLimit ? "" : text { $0.time.orderService }, isLimit ? "" : text { $0.time.otherServices },
                isLimit ? "" : text { $0.time.broker }, text { $0.time.postgres },
                isLimit ? "" : text { $0.time.suite }, isLimit ? "" : text { $0.time.load }, text(\.commits),
                text(\.statements), text(\.messages), text(\.logBytes),
            ]
        }
    }

    private static let goalHead = ["what", "target", "found", ""]

    private var goalRows: [[String]] {
        results.goals.map { goal in
            [
                goal.what, goal.target, (goal.found?.text ?? "") + goal.unit,
                goal.isMet.map { $0 ? "met" : "missed" } ?? "",
            ]
        }
    }

    var lines: [String] {
        var scenarios = TextTable(head: Self.scenarioHead, indent: "  ")
        for row in scenarioRows { scenarios.append(row) }
        var goals = TextTable(head: Self.goalHead, indent: "  ")
        for row in goalRows { goals.append(row) }
        return scenarios.lines + ["", "  " + Self.legend, ""] + goals.lines
    }

    static let legend =
        "Latencies are milliseconds from when an order was to be placed; order to load are milliseconds of processor time an order."

    var statements: [String] {
        guard let last = results.measurements.last(where: { !$0.statementUses.isEmpty }) else { return [] }
        var table = TextTable(head: ["service", "calls", "rows/call", "ms an order", "statement"], indent: "  ")
        for use in last.statementUses.prefix(30) {
            let orders = Double(max(1, last.orders))
            table.append([
                use.database, Figures.decimal(Double(use.calls) / orders, 3),
                Figures.short(Double(use.rows) / Double(max(1, use.calls))),
                Figures.decimal(use.milliseconds / orders, 4), String(use.text.prefix(130)),
            ])
        }
        return ["", "  Statements of \(last.kind.rawValue), calls an order:"] + table.lines
    }

    var markdown: [String] {
        func table(_ head: [String], _ rows: [[String]]) -> [String] {
            let rule = head.indices.map { $0 == 0 ? "---" : "--:" }
            return ([head, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
        }
        return table(Self.goalHead, goalRows) + [""] + table(Self.scenarioHead, scenarioRows) + ["", Self.legend]
    }
}

/// The results as text for a terminal or for a document.
struct Table {
    private let outcomes: [Outcome]

    init(_ outcomes: [Outcome]) {
        self.outcomes = outcomes
    }

    private static let heads = [
        "call", "ns, 1 thread", "quartiles", "target", "ns, 2 threads", "quartiles", "target", "allocations",
        "elsewhere",
    ]

    private var rows: [[String]] {
        outcomes.map { outcome in
            let scenario = outcome.scenario
            return [
                scenario.name, Self.time(outcome.one), Self.spread(outcome.one), Self.target(scenario.target),
                Self.time(outcome.two), Self.spread(outcome.two), Self.target(scenario.targetOfTwo),
                Self.decimal(max(outcome.one.allocations, outcome.two.allocations), places: 2), scenario.reference,
            ]
        }
    }

    /// Columns padded to their widest entry.
    var text: String {
        let all = [Self.heads] + rows
        let widths = Self.heads.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { row in
            row.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 || column == row.count - 1 ? row[column] + blanks : blanks + row[column]
            }.joined(separator: "  ")
        }
        return (lines + [Self.legend]).joined(separator: "\n")
    }

    var markdown: String {
        let rule = Self.heads.indices.map { $0 == 0 || $0 == Self.heads.count - 1 ? "---" : "--:" }
        let lines = ([Self.heads, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
        return (lines + ["", Self.legend]).joined(separator: "\n")
    }

    private static let legend = """
        Medians of interleaved rounds. With two threads on one shared instance the time is that of one call on one \
        thread, not of two. A ~ marks figures for which no round had the processors to itself.
        """

    private static func time(_ survey: Survey) -> String {
        (survey.quiet > 0 ? "" : "~") + decimal(survey.median, places: 1)
    }

    private static func spread(_ survey: Survey) -> String {
        let (low, high) = survey.spread
        return decimal(low, places: 1) + "–" + decimal(high, places: 1)
    }

    private static func target(_ nanoseconds: Int?) -> String {
        nanoseconds.map { "≤ \($0)" } ?? ""
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        let scale = places == 1 ? 10 : 100
        let scaled = Int((value * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}

import Invariants

/// The report of a run as one HTML file that needs nothing else: no script, no font, no image.
struct HTMLReport {
    let text: String

    init(_ result: DrillResult) {
        let plots = ReportPlots(result)
        let title = Markup.escaped("\(result.experiment.name): \(result.verdict.rawValue)")
        text = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>
            <style>\(ReportStyle.css)</style></head>
            <body><main>
            \(Self.header(result))
            \(Self.facts(result))
            \(Self.counterexamples(result))
            <section><h2>What happened</h2>
            <p class="quiet">Time runs to the right in seconds; shaded are the faults\(plots.bandsAreEmpty ? ", of which there were none" : ""). Point at anything to see its value.</p>
            \(plots.figures)
            </section>
            \(Self.faults(result))
            \(Self.invariants(result))
            \(Self.probes(result))
            \(Self.notTested(result))
            \(Self.journal(result))
            <footer>holdfast drill · seed \(result.seed) · \(result.startedAt)</footer>
            </main></body></html>

            """
    }

    private static func header(_ result: DrillResult) -> String {
        let reason = result.reason.isEmpty ? "Every promise held." : result.reason
        return """
            <header><p class="quiet">drill \(Markup.escaped(result.experiment.name))</p>
            <h1>\(Markup.escaped(result.experiment.title))</h1>
            <p class="verdict \(result.verdict.rawValue)"><b>\(result.verdict.rawValue)</b> \(Markup.escaped(reason))</p>
            <p class="hypothesis">\(Markup.escaped(result.experiment.hypothesis))</p></header>
            """
    }

    private static func facts(_ result: DrillResult) -> String {
        let operations = result.observation.operations
        let placed = operations.filter { $0.kind == .place }
        func count(_ outcome: Operation.Outcome) -> Int { placed.count { $0.outcome == outcome } }
        let settled = operations.count { $0.kind == .settle && $0.outcome == .ok }
        let recovery = result.observation.recovery
        func seconds(_ value: Double?) -> String { value.map { PlotArea.text($0) + " s" } ?? "–" }
        let tiles: [(String, String)] = [
            ("orders placed", "\(placed.count)"), ("taken", "\(count(.ok))"), ("refused", "\(count(.fail))"),
            ("in doubt", "\(count(.info))"), ("settled by asking again", "\(settled)"),
            ("faults", "\(result.faults.count)"),
            ("ready after", seconds(recovery.readySeconds)),
            ("at rest after", seconds(recovery.restSeconds)),
        ]
        let list = tiles.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined()
        return
            "<dl class=\"facts\">\(list)</dl><p class=\"quiet\">Again: <code>\(Markup.escaped(result.replay))</code></p>"
    }

    private static func counterexamples(_ result: DrillResult) -> String {
        let violated = result.checked.filter { $0.finding.verdict == .violated }
        guard !violated.isEmpty else { return "" }
        let blocks = violated.map { checked in
            let events = checked.finding.counterexample.prefix(60).map { "<li>\(Markup.escaped($0))</li>" }.joined()
            return """
                <h3>\(checked.invariant.id) \(Markup.escaped(checked.invariant.title))</h3>
                <p>\(Markup.escaped(checked.finding.summary)) <span class="quiet">(\(checked.finding.violations) in all; the first one:)</span></p>
                <ol class="events">\(events)</ol>
                """
        }
        return "<section class=\"broken\"><h2>What broke</h2>\(blocks.joined(separator: "\n"))</section>"
    }

    private static func faults(_ result: DrillResult) -> String {
        let rows = result.faults.map { fault in
            [
                "\(fault.number)", "<b>\(Markup.escaped(fault.kind))</b>",
                Markup.escaped(fault.targets.map(\.description).joined(separator: ", ")), time(fault.injectedAt),
                time(fault.healedAt),
                Markup.escaped(fault.failure.isEmpty ? "\(fault.injection); \(fault.healing)" : fault.failure),
            ]
        }
        return section("Faults", table(["", "fault", "targets", "made", "healed", "what was done"], rows))
    }

    private static func invariants(_ result: DrillResult) -> String {
        let rows = result.checked.map { checked in
            let finding = checked.finding
            return [
                checked.invariant.id,
                "<b>\(Markup.escaped(checked.invariant.title))</b><br><span class=\"quiet\">\(Markup.escaped(checked.invariant.statement))</span>",
                checked.invariant.promises.map { "<code>\($0.rawValue)</code>" }.joined(separator: " "),
                "<span class=\"mark \(finding.verdict.rawValue)\">\(finding.verdict.title)</span>",
                "\(finding.checked)", Markup.escaped(finding.summary),
            ]
        }
        guard !rows.isEmpty else {
            return section("Promises", "<p>None was checked: the drill did not get that far.</p>")
        }
        return section("Promises", table(["", "invariant", "promise", "", "checked", ""], rows))
    }

    private static func probes(_ result: DrillResult) -> String {
        let rows = result.experiment.steadyState.map { probe in
            let before = result.before.first { $0.probe.name == probe.name }
            let after = result.after.first { $0.probe.name == probe.name }
            return [
                Markup.escaped(probe.name), Markup.escaped(probe.tolerance.description), value(before), value(after),
            ]
        }
        return section("Steady state", table(["probe", "tolerance", "before", "after"], rows))
    }

    private static func value(_ measured: Measured?) -> String {
        guard let measured else { return "–" }
        return "<span class=\"mark \(measured.holds ? "held" : "violated")\">\(Markup.escaped(measured.value))</span>"
    }

    private static func notTested(_ result: DrillResult) -> String {
        section(
            "What this drill does not show",
            "<ul>" + result.notTested.map { "<li>\(Markup.escaped($0))</li>" }.joined() + "</ul>")
    }

    private static func journal(_ result: DrillResult) -> String {
        let events = result.entries.map { "<li><b>\(time($0.at))</b> \(Markup.escaped($0.text))</li>" }.joined()
        return section(
            "Journal",
            "<ol class=\"events\">\(events)</ol><p class=\"quiet\">Every request and answer is in <code>history.jsonl</code>, the rest in <code>journal.json</code>.</p>"
        )
    }

    private static func time(_ nanoseconds: Int64?) -> String {
        nanoseconds.map { "+" + PlotArea.text(Double($0) / 1e9) + " s" } ?? "–"
    }

    private static func section(_ title: String, _ body: String) -> String {
        "<section><h2>\(title)</h2>\(body)</section>"
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        let top = head.map { "<th>\($0)</th>" }.joined()
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>" }.joined(separator: "\n")
        return "<div class=\"scroll\"><table><thead><tr>\(top)</tr></thead><tbody>\(body)</tbody></table></div>"
    }
}

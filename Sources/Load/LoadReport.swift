import JSON

/// What a run of load came to.
package struct LoadReport: Sendable {
    let plan: LoadPlan
    let figures: LoadLedger.Figures
    /// How long after the last order was placed the last outcome came.
    let settled: Duration

    /// The whole seconds of load behind the warm-up.
    private var measured: ArraySlice<LoadLedger.Second> {
        let from = Int((plan.warmUp / .seconds(1)).rounded(.up))
        let to = min(Int(plan.duration / .seconds(1)), figures.seconds.count)
        return figures.seconds[min(from, to)..<to]
    }

    private func rate(_ count: (LoadLedger.Second) -> Int) -> Double {
        measured.isEmpty ? 0 : Double(measured.reduce(0) { $0 + count($1) }) / Double(measured.count)
    }

    /// Orders that were accepted in a second of the measured time.
    package var acceptedPerSecond: Double { rate(\.accepted) }
    /// Orders that came to their outcome in a second of the measured time.
    package var finalPerSecond: Double { rate(\.final) }

    /// Orders that were accepted, and those that came to their outcome, over the whole run.
    package var accepted: Int { figures.accepted }
    package var final: Int { figures.final }
    /// Answers by status, and what failed without one, over the whole run.
    package var answers: [String: Int] { figures.answerCounts }
    package var outcomes: [String: Int] { figures.statuses }
    /// From when an order was to be placed to its answer, behind the warm-up.
    package var answerLatency: LatencyHistogram { figures.answers }
    /// From when an order was to be placed to its outcome, behind the warm-up.
    package var finalLatency: LatencyHistogram { figures.outcomes }

    /// Whether every accepted order came to its outcome, and every repeated one had the same answer.
    package var isComplete: Bool { figures.open == 0 && figures.contradicted == 0 }

    // MARK: For people

    /// What the last second was like.
    static func line(_ second: Int, _ last: LoadLedger.Second, open: Int) -> String {
        var line =
            "\(pad(second, 5)) s  placed \(pad(last.placed, 5))  accepted \(pad(last.accepted, 5))  final \(pad(last.final, 5))"
            + "  under way \(pad(open, 5))  p50 \(text(last.latency.quantile(0.5)))  p99 \(text(last.latency.quantile(0.99)))"
        if last.refused > 0 { line += "  refused \(last.refused)" }
        if last.failed > 0 { line += "  failed \(last.failed)" }
        return line
    }

    /// The summary, a line each.
    package var lines: [String] {
        let shares: [(String, Double)] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)]
        func row(_ name: String, _ histogram: LatencyHistogram) -> String {
            "  \(name)  " + shares.map { "\($0.0) \(Self.text(histogram.quantile($0.1)))" }.joined(separator: "  ")
                + "  max \(Self.text(.microseconds(histogram.maximum)))  (\(histogram.count))"
        }
        var lines = [
            "",
            "  placed \(figures.placed)  accepted \(figures.accepted)  at their outcome \(figures.final)  without \(figures.open)",
            "  accepted \(Self.short(acceptedPerSecond))/s  final \(Self.short(finalPerSecond))/s  over \(measured.count) s behind the warm-up",
            row("placed → answered", figures.answers), row("placed → final   ", figures.outcomes),
            "  outcomes  " + Self.counts(figures.statuses), "  answers   " + Self.counts(figures.answerCounts),
            "  the last outcome came \(Self.text(settled)) after the last order",
        ]
        if figures.repeated > 0 {
            lines.append("  sent again \(figures.repeated), answered otherwise than before \(figures.contradicted)")
        }
        if figures.skipped > 0 {
            lines.append("  \(figures.skipped) orders were not sent: too many were under way at this client")
        }
        return lines
    }

    private static func counts(_ counts: [String: Int]) -> String {
        counts.isEmpty
            ? "none" : counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "  ")
    }

    static func text(_ duration: Duration) -> String {
        let milliseconds = duration / .milliseconds(1)
        if milliseconds >= 10_000 { return "\(short(milliseconds / 1000)) s" }
        return "\(short(milliseconds)) ms"
    }

    static func short(_ value: Double) -> String {
        if value >= 100 { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    // MARK: For programs

    /// The figures as JSON; times are milliseconds.
    package var json: [UInt8] {
        var json = JSONWriter(capacity: 8192)
        json.object { json in
            json.object("pace") {
                switch plan.pace {
                case .open(let rate): $0.member("openPerSecond", rate)
                case .closed(let clients): $0.member("clients", clients)
                }
            }
            json.member("seconds", measured.count)
            json.member("placed", figures.placed)
            json.member("accepted", figures.accepted)
            json.member("final", figures.final)
            json.member("withoutOutcome", figures.open)
            json.member("notSent", figures.skipped)
            json.member("repeated", figures.repeated)
            json.member("contradicted", figures.contradicted)
            json.member("acceptedPerSecond", acceptedPerSecond)
            json.member("finalPerSecond", finalPerSecond)
            json.member("settledAfter", settled / .milliseconds(1))
            Self.write(figures.answers, "answerLatency", &json)
            Self.write(figures.outcomes, "finalLatency", &json)
            Self.write(figures.statuses, "outcomes", &json)
            Self.write(figures.answerCounts, "answers", &json)
            json.array("course", figures.seconds) { json, second in
                json.object {
                    $0.member("placed", second.placed)
                    $0.member("accepted", second.accepted)
                    $0.member("refused", second.refused)
                    $0.member("failed", second.failed)
                    $0.member("final", second.final)
                    $0.member("p50", second.latency.quantile(0.5) / .milliseconds(1))
                    $0.member("p99", second.latency.quantile(0.99) / .milliseconds(1))
                }
            }
        }
        return json.bytes
    }

    private static func write(_ counts: [String: Int], _ name: StaticString, _ json: inout JSONWriter) {
        json.object(name) {
            for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
                $0.name(name)
                $0.value(Int64(count))
            }
        }
    }

    private static func write(_ histogram: LatencyHistogram, _ name: StaticString, _ json: inout JSONWriter) {
        json.object(name) {
            $0.member("count", histogram.count)
            $0.member("mean", histogram.mean / .milliseconds(1))
            for (label, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)]
                as [(StaticString, Double)]
            {
                $0.member(label, histogram.quantile(share) / .milliseconds(1))
            }
            $0.member("max", Double(histogram.maximum) / 1000)
        }
    }
}

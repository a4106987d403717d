import Invariants

/// The figures of a report.
struct ReportPlots {
    let figures: String
    let bandsAreEmpty: Bool

    private static let services = [
        ("order-service", "c1"), ("inventory-service", "c2"), ("payment-service", "c3"), ("shipping-service", "c4"),
    ]

    init(_ result: DrillResult) {
        let end = result.phases.map(\.to).max() ?? 0
        let series = RunSeries(result.observation.operations, until: end)
        let bands = result.faults.compactMap { fault in
            fault.injectedAt.map { from in
                PlotArea.Band(
                    from: Double(from) / 1e9, to: Double(fault.healedAt ?? end) / 1e9, label: fault.label)
            }
        }
        bandsAreEmpty = bands.isEmpty
        func area(_ maximum: Double, height: Double = 150) -> PlotArea {
            PlotArea(seconds: Double(series.seconds), height: height, maximum: maximum, bands: bands)
        }
        let all = zip(zip(series.ok, series.failed), series.unknown).map { $0.0 + $0.1 + $1 }.max() ?? 0
        let slowest = series.p99.compactMap { $0 }.max() ?? 0
        let ages = result.samples.flatMap(\.outboxAge.values).max() ?? 0
        let phases = result.phases.filter { $0.name != "reads" }.map { phase in
            (from: Double(phase.from) / 1e9, to: Double(phase.to) / 1e9, style: "phase", state: phase.name)
        }
        var parts = [
            Self.figure(
                "Phases", [], Self.phases(area(1, height: 44), phases)),
            Self.figure(
                "Orders answered per second", [("taken", "ok"), ("refused", "fail"), ("in doubt", "info")],
                Plots.bars(
                    area(PlotArea.ceiling(all)), "Orders answered per second",
                    series: [
                        ("taken", "ok", series.ok), ("refused", "fail", series.failed),
                        ("in doubt", "info", series.unknown),
                    ]
                )),
            Self.figure(
                "Time to the answer, from when the order was due", [("p50", "p50"), ("p95", "p95"), ("p99", "p99")],
                Plots.lines(
                    area(PlotArea.ceiling(slowest)), "Latency percentiles",
                    [("p50", series.p50), ("p95", series.p95), ("p99", series.p99)].map { name, values in
                        Plots.Line(name: name, style: name, points: Self.points(values))
                    }, yLabel: Self.seconds)),
            Self.figure(
                "Share of orders that were not taken", [],
                Plots.lines(
                    area(1, height: 110), "Errors",
                    [Plots.Line(name: "errors", style: "fail", points: Self.points(series.errorShare))],
                    yLabel: { "\(Int(($0 * 100).rounded())) %" })),
        ]
        let rows = RunSeries.breakerSpans(result.samples)
        parts.append(
            Self.figure(
                "Circuit breakers that left their closed state",
                [("closed", "closed"), ("open", "open"), ("half-open", "half")],
                rows.isEmpty
                    ? "<p class=\"quiet\">All stayed closed.</p>"
                    : Plots.strips(area(1, height: 34 + 24 * Double(rows.count)), "Circuit breakers", rows: rows)))
        parts.append(
            Self.figure(
                "Age of the oldest message that waits to be published", Self.services,
                Plots.lines(
                    area(PlotArea.ceiling(max(ages, 1)), height: 120), "Outbox age",
                    Self.services.map { name, style in
                        Plots.Line(
                            name: name, style: style,
                            points: result.samples.map { (Double($0.at) / 1e9, $0.outboxAge[name]) })
                    }, yLabel: Self.seconds)))
        figures = parts.joined(separator: "\n")
    }

    private static func points(_ values: [Double?]) -> [(second: Double, value: Double?)] {
        values.enumerated().map { (Double($0) + 0.5, $1) }
    }

    private static func seconds(_ value: Double) -> String? {
        value < 1 ? "\(Int((value * 1000).rounded())) ms" : PlotArea.text(value) + " s"
    }

    private static func phases(
        _ area: PlotArea, _ spans: [(from: Double, to: Double, style: String, state: String)]
    ) -> String {
        let content = spans.map { span in
            let x = area.x(span.from)
            let width = max(area.x(span.to) - x - 2, 1)
            let label =
                width > 44
                ? #"<text class="row" text-anchor="middle" x="\#(PlotArea.text(x + width / 2))" y="\#(PlotArea.text(area.top + area.plotHeight / 2 + 3.5))">\#(span.state)</text>"#
                : ""
            return
                #"<rect class="phase" x="\#(PlotArea.text(x))" y="\#(PlotArea.text(area.top - 8))" width="\#(PlotArea.text(width))" height="\#(PlotArea.text(area.plotHeight + 8))" rx="3"><title>\#(span.state)</title></rect>"#
                + label
        }
        return area.svg("Phases", yLabel: { _ in nil }, content.joined())
    }

    private static func figure(_ title: String, _ legend: [(String, String)], _ body: String) -> String {
        let keys = legend.map { "<span><i class=\"key \($0.1)\"></i>\($0.0)</span>" }.joined()
        return "<figure><figcaption><b>\(title)</b>\(keys)</figcaption>\(body)</figure>"
    }
}

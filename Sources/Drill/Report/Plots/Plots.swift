/// The kinds of plots a report has.
enum Plots {
    /// A line with gaps where there is no value.
    struct Line {
        var name: String
        /// The class that gives it its colour.
        var style: String
        var points: [(second: Double, value: Double?)]
    }

    /// A stack of bars, one for each second.
    static func bars(
        _ area: PlotArea, _ label: String, series: [(name: String, style: String, values: [Double])]
    ) -> String {
        var parts: [String] = []
        let count = series.map(\.values.count).max() ?? 0
        let width = max(area.x(1) - area.x(0) - 1, 1)
        for second in 0..<count {
            var base = 0.0
            for entry in series where second < entry.values.count && entry.values[second] > 0 {
                let value = entry.values[second]
                let y = area.y(base + value)
                let height = max(area.y(base) - y, 0.6)
                parts.append(
                    #"<rect class="\#(entry.style)" x="\#(PlotArea.text(area.x(Double(second))))" y="\#(PlotArea.text(y))" width="\#(PlotArea.text(width))" height="\#(PlotArea.text(height))"><title>\#(second) s: \#(PlotArea.text(value)) \#(entry.name)</title></rect>"#
                )
                base += value
            }
        }
        return area.svg(label, yLabel: { PlotArea.text($0) }, parts.joined(separator: "\n"))
    }

    static func lines(_ area: PlotArea, _ label: String, _ lines: [Line], yLabel: (Double) -> String?) -> String {
        let paths = lines.map { line in
            var path = ""
            var isDrawing = false
            for point in line.points {
                guard let value = point.value else {
                    isDrawing = false
                    continue
                }
                path +=
                    (isDrawing ? "L" : "M") + PlotArea.text(area.x(point.second)) + " " + PlotArea.text(area.y(value))
                isDrawing = true
            }
            return
                #"<path class="line \#(line.style)" d="\#(path)"><title>\#(Markup.escaped(line.name))</title></path>"#
        }
        return area.svg(label, yLabel: yLabel, paths.joined(separator: "\n"))
    }

    /// A row for each name, coloured by what it was at the time.
    static func strips(
        _ area: PlotArea, _ label: String,
        rows: [(name: String, spans: [(from: Double, to: Double, style: String, state: String)])]
    ) -> String {
        let rowHeight = area.plotHeight / Double(max(rows.count, 1))
        var parts: [String] = []
        for (index, row) in rows.enumerated() {
            let y = area.top + Double(index) * rowHeight
            for span in row.spans {
                parts.append(
                    #"<rect class="\#(span.style)" x="\#(PlotArea.text(area.x(span.from)))" y="\#(PlotArea.text(y + 3))" width="\#(PlotArea.text(max(area.x(span.to) - area.x(span.from), 1)))" height="\#(PlotArea.text(rowHeight - 6))" rx="2"><title>\#(Markup.escaped(row.name)): \#(span.state)</title></rect>"#
                )
            }
            parts.append(
                #"<text class="row" x="\#(PlotArea.text(PlotArea.left + 6))" y="\#(PlotArea.text(y + rowHeight / 2 + 3.5))">\#(Markup.escaped(row.name))</text>"#
            )
        }
        return area.svg(label, yLabel: { _ in nil }, parts.joined(separator: "\n"))
    }
}

/// The course of a run as one page: rates and latencies over time, in light and dark.
package struct LoadPlot {
    private let report: LoadReport
    private static let width = 860.0, height = 240.0, left = 60.0, bottom = 28.0, top = 16.0

    package init(_ report: LoadReport) {
        self.report = report
    }

    package var html: String {
        let seconds = report.figures.seconds
        let rates = Self.chart(
            "Orders a second",
            [
                ("placed", "a", seconds.map { Double($0.placed) }),
                ("accepted", "b", seconds.map { Double($0.accepted) }),
                ("final", "c", seconds.map { Double($0.final) }),
                ("refused or failed", "d", seconds.map { Double($0.refused + $0.failed) }),
            ])
        let latencies = Self.chart(
            "Placed to final, milliseconds",
            [
                ("p50", "b", seconds.map { $0.latency.quantile(0.5) / .milliseconds(1) }),
                ("p99", "d", seconds.map { $0.latency.quantile(0.99) / .milliseconds(1) }),
            ])
        return """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Load on Holdfast</title>
            <meta name="viewport" content="width=device-width">
            <style>
            :root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6b7c;--line:#d7dde4;--page:#fff;--a:#8a97a6;--b:#2f6fd0;--c:#17835b;--d:#c2452d}
            @media(prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa8b8;--line:#303b48;--page:#12171e;--a:#7d8b9b;--b:#6ea4f4;--c:#4cc495;--d:#f08a6e}}
            body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:900px;margin:2em auto;padding:0 1em}
            pre{overflow-x:auto}h1{font-size:1.5em}h2{font-size:1.05em;margin:1.5em 0 .3em}svg{width:100%;height:auto}
            text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}path{fill:none;stroke-width:2}
            .a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}.d{stroke:var(--d)}
            </style>
            <h1>Load on Holdfast</h1><pre>\(Self.escaped(report.lines.joined(separator: "\n")))</pre>
            \(rates)\(latencies)</html>

            """
    }

    /// Lines over seconds with a scale and a legend.
    private static func chart(_ title: String, _ lines: [(name: String, color: String, values: [Double])]) -> String {
        let highest = ceiling(lines.flatMap(\.values).max() ?? 1)
        let count = max(2, lines.map(\.values.count).max() ?? 2)
        func x(_ index: Int) -> Double { left + (width - left - 10) * Double(index) / Double(count - 1) }
        func y(_ value: Double) -> Double { height - bottom - (height - bottom - top) * value / highest }
        var svg = ""
        for step in 0...4 {
            let value = highest * Double(step) / 4
            svg += """
                <line class="grid" x1="\(left)" x2="\(width - 10)" y1="\(y(value))" y2="\(y(value))"/>\
                <text x="\(left - 8)" y="\(y(value) + 4)" text-anchor="end">\(LoadReport.short(value))</text>
                """
        }
        for step in 0...5 {
            let second = (count - 1) * step / 5
            svg += #"<text x="\#(x(second))" y="\#(height - 8)" text-anchor="middle">\#(second) s</text>"#
        }
        for line in lines where line.values.contains(where: { $0 > 0 }) {
            let points = line.values.enumerated().map { "\(x($0.offset)) \(y($0.element))" }
            svg += #"<path class="\#(line.color)" d="M\#(points.joined(separator: "L"))"/>"#
        }
        let legend = lines.map { #"<span style="color:var(--\#($0.color))">▬</span> \#($0.name)"# }.joined(
            separator: " &nbsp; ")
        return
            #"<h2>\#(title)</h2><div>\#(legend)</div><svg viewBox="0 0 \#(width) \#(height)" role="img" aria-label="\#(title)">\#(svg)</svg>"#
    }

    /// The next of 1, 2, 4, 5 or 8 times a power of ten.
    private static func ceiling(_ value: Double) -> Double {
        guard value > 0 else { return 1 }
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        while power > value { power /= 10 }
        return [1, 2, 4, 5, 8, 10].map { $0 * power }.first { $0 >= value } ?? value
    }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
            .split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
    }
}

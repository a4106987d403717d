/// The frame that all plots of a report share: seconds to the right, so that what happened at once stands below each other.
struct PlotArea {
    static let width = 960.0
    static let left = 64.0
    static let right = 14.0

    /// Seconds at the right end.
    var seconds: Double
    var height = 150.0
    var top = 12.0
    var bottom = 22.0
    /// The value at the top.
    var maximum: Double
    /// Times of faults, shaded in every plot.
    var bands: [Band]

    struct Band {
        var from: Double
        var to: Double
        var label: String
    }

    var plotHeight: Double { height - top - bottom }

    func x(_ second: Double) -> Double {
        Self.left + (Self.width - Self.left - Self.right) * min(max(second, 0), seconds) / max(seconds, 1)
    }

    func y(_ value: Double) -> Double { top + plotHeight * (1 - min(max(value, 0), maximum) / maximum) }

    /// A step of 1, 2 or 5 times a power of ten that divides a range into at most so many parts.
    static func step(_ range: Double, parts: Int) -> Double {
        let rough = max(range, 1e-9) / Double(parts)
        var power = 1.0
        while power * 10 <= rough { power *= 10 }
        while power > rough { power /= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? power * 10
    }

    /// The nearest value above that a step ends at.
    static func ceiling(_ value: Double, parts: Int = 4) -> Double {
        guard value > 0 else { return 1 }
        let step = step(value, parts: parts)
        return (value / step).rounded(.up) * step
    }

    /// Wraps the plot's content: bands below it, axes on top.
    func svg(_ label: String, yLabel: (Double) -> String?, _ content: String) -> String {
        var parts = [
            #"<svg viewBox="0 0 \#(Int(Self.width)) \#(Int(height))" role="img" aria-label="\#(Markup.escaped(label))">"#
        ]
        for band in bands {
            // A fault that is over at once is still to be seen.
            let from = x(band.from)
            let width = max(x(band.to) - from, 2)
            parts.append(
                #"<rect class="band" x="\#(Self.text(from))" y="\#(Self.text(top))" width="\#(Self.text(width))" height="\#(Self.text(plotHeight))"><title>\#(Markup.escaped(band.label))</title></rect>"#
            )
        }
        parts.append(gridlines(yLabel))
        parts.append(content)
        let base = Self.text(top + plotHeight)
        parts.append(
            #"<line class="axis" x1="\#(Self.text(Self.left))" x2="\#(Self.text(Self.width - Self.right))" y1="\#(base)" y2="\#(base)"/>"#
        )
        let step = Self.step(seconds, parts: 12)
        var second = 0.0
        while second <= seconds {
            parts.append(
                #"<text class="tick" text-anchor="middle" x="\#(Self.text(x(second)))" y="\#(Self.text(height - 6))">\#(Int(second)) s</text>"#
            )
            second += max(step, 1)
        }
        return parts.joined(separator: "\n") + "\n</svg>"
    }

    private func gridlines(_ yLabel: (Double) -> String?) -> String {
        let step = Self.step(maximum, parts: 4)
        var lines: [String] = []
        var value = 0.0
        while value <= maximum * 1.0001 {
            if let label = yLabel(value) {
                let y = y(value)
                lines.append(
                    #"<line class="grid" x1="\#(Self.text(Self.left))" x2="\#(Self.text(Self.width - Self.right))" y1="\#(Self.text(y))" y2="\#(Self.text(y))"/><text class="tick" text-anchor="end" x="\#(Self.text(Self.left - 8))" y="\#(Self.text(y + 3.5))">\#(Markup.escaped(label))</text>"#
                )
            }
            value += step
        }
        return lines.joined()
    }

    /// One decimal is as fine as a screen shows.
    static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}

import Clocks
import Resilience

/// Rates as text: `100/1s`, `600/5m;burst=50`.
package enum RateText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Reads a number, a slash, a period (a whole number and `ms`, `s`, `m` or `h`), and the burst if there is one; nil for
    /// anything else, and for a rate that cannot be kept.
    package static func read(_ text: String) -> RateLimit? {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        let rate = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, rate.count == 2, let permits = number(rate[0]), let period = period(rate[1]) else {
            return nil
        }
        var limit = RateLimit(permits: permits, per: period)
        if parts.count == 2 {
            guard parts[1].hasPrefix("burst="), let burst = number(parts[1].dropFirst("burst=".count)) else {
                return nil
            }
            limit.burst = burst
        }
        return limit.faults.isEmpty ? limit : nil
    }

    /// Writes text that reads as the same rate.
    package static func write(_ limit: RateLimit) -> String {
        let nanoseconds = limit.period.wholeNanoseconds
        let unit = units.last { nanoseconds % $0.nanoseconds == 0 } ?? units[0]
        let rate = "\(limit.permits)/\(nanoseconds / unit.nanoseconds)\(unit.name)"
        return limit.burst == limit.permits ? rate : rate + ";burst=\(limit.burst)"
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func period(_ text: Substring) -> Duration? {
        let digits = text.prefix { $0.isNumber }
        guard let count = number(digits),
            let unit = units.first(where: { $0.name == text.dropFirst(digits.count) })
        else { return nil }
        let (nanoseconds, overflow) = Int64(count).multipliedReportingOverflow(by: unit.nanoseconds)
        return overflow ? nil : .nanoseconds(nanoseconds)
    }
}

extension SettingKind where Value == RateLimit? {
    /// A rate such as `100/1s` or `100/1s;burst=200`, or `off`, which reads as nil.
    package static var rateOrOff: SettingKind {
        SettingKind(
            name: "rate such as `100/1s` or `100/1s;burst=200`, or `off`", placeholder: nil,
            render: { $0.map(RateText.write) ?? "off" }
        ) { text in
            if text == "off" { return .some(nil) }
            return RateText.read(text).map(Optional.some)
        }
    }
}

/// Durations as decimal seconds: `2`, `0.25`.
package enum SecondsText {
    /// Reads digits with at most one decimal point, kept to the nanosecond; nil for signs, exponents, blanks and
    /// anything else. What no `Duration` of nanoseconds holds reads as the longest one (292 years).
    package static func read(_ text: some StringProtocol) -> Duration? {
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        var scale: Int64 = 100_000_000
        var isFraction = false
        var digits = 0
        var saturated = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "."), !isFraction, digits > 0 {
                isFraction = true
                digits = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            digits += 1
            let digit = Int64(byte - UInt8(ascii: "0"))
            if isFraction {
                nanoseconds += digit * scale
                scale /= 10
            } else if seconds < 922_337_203 {
                seconds = seconds * 10 + digit
            } else {
                saturated = true
            }
        }
        guard digits > 0 else { return nil }
        return saturated ? .nanoseconds(Int64.max) : .seconds(seconds) + .nanoseconds(nanoseconds)
    }

    /// Writes the shortest text that reads as the same duration.
    package static func write(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = attoseconds / 1_000_000_000
        guard nanoseconds != 0 else { return String(seconds) }
        let digits = String(nanoseconds)
        var fraction = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(seconds).\(fraction)"
    }
}

/// Sizes as bytes with a binary unit: `512`, `64KiB`, `1MiB`.
enum SizeText {
    private static let units: [(suffix: String, factor: Int)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    static func read(_ text: String) -> Int? {
        let unit = units.first { text.hasSuffix($0.suffix) }
        let digits = unit.map { text.dropLast($0.suffix.count) } ?? text[...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: unit?.factor ?? 1)
        return overflow ? nil : size
    }

    static func write(_ size: Int) -> String {
        for unit in units where size != 0 && size % unit.factor == 0 { return "\(size / unit.factor)\(unit.suffix)" }
        return String(size)
    }
}

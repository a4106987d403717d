import Clocks

/// The `Retry-After` field (RFC 9110, section 10.2.3): how long a server wants to be left alone.
package enum RetryAfter {
    package static let header = "Retry-After"

    /// The time to wait from `now`: of a number of seconds, or of a date in any of the three forms HTTP has known.
    ///
    /// Seconds may have a fraction, which some servers send. What is past or negative is zero. The caller bounds the
    /// time and spreads it: a date is only as good as the two clocks.
    ///
    /// - Returns: Nil for what is neither: such a field says nothing.
    package static func delay(_ text: some StringProtocol, now: Timestamp) -> Duration? {
        let text = trimmed(text)
        if let seconds = seconds(text) { return seconds }
        guard let date = HTTPDate(text, now: now) else { return nil }
        return max(.zero, now.duration(to: Timestamp(microseconds: date.seconds * 1_000_000)))
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        var rest = Substring(text).drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    /// Decimal seconds to the nanosecond, and at most what `Int64` holds of those (292 years).
    private static func seconds(_ text: Substring) -> Duration? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = (isNegative ? text.dropFirst() : text).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ isDigits($0) }), let whole = parts.first else { return nil }
        if isNegative { return .zero }
        guard let seconds = Int64(whole), seconds < Int64.max / 1_000_000_000 else { return .nanoseconds(Int64.max) }
        let fraction = parts.dropFirst().first ?? ""
        let nanoseconds = (fraction.prefix(9).utf8 + Array(repeating: UInt8(ascii: "0"), count: 9)).prefix(9)
            .reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        return .seconds(seconds) + .nanoseconds(nanoseconds)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

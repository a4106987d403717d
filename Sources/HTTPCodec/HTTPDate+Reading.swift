import Clocks

extension HTTPDate {
    /// Reads the three forms of RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete
    /// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
    ///
    /// Names are case-sensitive; a weekday that is not that of the date is overlooked. A year of two digits is the last
    /// one that is at most 50 years after that of `now`.
    ///
    /// - Returns: Nil for anything else, dates that do not exist among it.
    package init?(_ text: some StringProtocol, now: Timestamp) {
        var reader = HTTPDateReader(text: Array(text.utf8))
        guard let moment = reader.read(now: now) else { return nil }
        self.init(moment)
    }
}

/// One pass over the text; every step says whether what it looked for was there.
private struct HTTPDateReader {
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    let text: [UInt8]
    private var index = 0

    init(text: [UInt8]) {
        self.text = text
    }

    mutating func read(now: Timestamp) -> Timestamp? {
        if skipAny(Self.weekdays) { return skip(", ") ? obsoleteDate(now: now) : nil }
        guard skipAny(Self.weekdays.map { String($0.prefix(3)) }) else { return nil }
        if skip(", ") { return fixedDate() }
        return skip(" ") ? asctimeDate() : nil
    }

    private mutating func fixedDate() -> Timestamp? {
        guard let day = number(2), skip(" "), let month = month(), skip(" "), let year = number(4), skip(" "),
            let clock = clock(), skip(" GMT")
        else { return nil }
        return moment(year, month, day, clock)
    }

    private mutating func obsoleteDate(now: Timestamp) -> Timestamp? {
        guard let day = number(2), skip("-"), let month = month(), skip("-"), let short = number(2), skip(" "),
            let clock = clock(), skip(" GMT")
        else { return nil }
        var year = now.year / 100 * 100 + short
        if year > now.year + 50 { year -= 100 }
        if year <= now.year - 50 { year += 100 }
        return moment(year, month, day, clock)
    }

    private mutating func asctimeDate() -> Timestamp? {
        guard let month = month(), skip(" "), let day = skip(" ") ? number(1) : number(2), skip(" "),
            let clock = clock(), skip(" "), let year = number(4)
        else { return nil }
        return moment(year, month, day, clock)
    }

    /// A leap second, which the grammar allows, is the second that follows it.
    private func moment(
        _ year: Int64, _ month: Int64, _ day: Int64, _ clock: (hour: Int64, minute: Int64, second: Int64)
    ) -> Timestamp? {
        guard index == text.count else { return nil }
        let isLeap = clock.second == 60
        return Timestamp(
            year: year, month: month, day: day, hour: clock.hour, minute: clock.minute,
            second: isLeap ? 59 : clock.second
        )?.advanced(by: isLeap ? .seconds(1) : .zero)
    }

    private mutating func clock() -> (hour: Int64, minute: Int64, second: Int64)? {
        guard let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2)
        else { return nil }
        return (hour, minute, second)
    }

    private mutating func month() -> Int64? {
        Self.months.firstIndex { skip($0) }.map { Int64($0) + 1 }
    }

    private mutating func number(_ digits: Int) -> Int64? {
        guard index + digits <= text.count else { return nil }
        var value: Int64 = 0
        for byte in text[index..<index + digits] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        index += digits
        return value
    }

    private mutating func skipAny(_ words: [String]) -> Bool {
        words.contains { skip($0) }
    }

    private mutating func skip(_ word: String) -> Bool {
        guard text[index...].starts(with: word.utf8) else { return false }
        index += word.utf8.count
        return true
    }
}

import Clocks

/// A moment in the form HTTP writes it, `Sun, 06 Nov 1994 08:49:37 GMT`; made once a second, not once an answer.
package struct HTTPDate: Sendable, Hashable {
    /// Whole seconds since 1970.
    package private(set) var seconds: Int64
    /// The 29 bytes of the text form.
    package private(set) var text: [UInt8]

    package init(_ time: Timestamp) {
        seconds = Self.seconds(of: time)
        text = Self.format(seconds)
    }

    /// Moves on to `time`; costs a comparison while the second is the same.
    package mutating func update(to time: Timestamp) {
        let updated = Self.seconds(of: time)
        guard updated != seconds else { return }
        self = HTTPDate(time)
    }

    private static func seconds(of time: Timestamp) -> Int64 {
        let (quotient, remainder) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func format(_ seconds: Int64) -> [UInt8] {
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let (year, month, day) = civilDate(days)
        let weekday = ((days + 4) % 7 + 7) % 7
        let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = [rest / 3600, rest / 60 % 60, rest % 60].map { pad($0, 2) }.joined(separator: ":")
        let date = "\(pad(day, 2)) \(months[Int(month) - 1]) \(pad(year, 4))"
        return Array("\(names[Int(weekday)]), \(date) \(clock) GMT".utf8)
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Year, month and day of a day counted from 1970-01-01: walks back whole 400-year cycles, then years, then months.
    private static func civilDate(_ days: Int64) -> (Int64, Int64, Int64) {
        var year: Int64 = 1970
        var rest = days
        let cycles = (rest / 146_097) - (rest < 0 ? 1 : 0)
        year += cycles * 400
        rest -= cycles * 146_097
        func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        while true {
            let length: Int64 = isLeap(year) ? 366 : 365
            guard rest >= length else { break }
            rest -= length
            year += 1
        }
        let lengths: [Int64] = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var month: Int64 = 1
        while rest >= lengths[Int(month) - 1] {
            rest -= lengths[Int(month) - 1]
            month += 1
        }
        return (year, month, rest + 1)
    }
}

/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z: what is stored, logged and sent.
///
/// Two machines may disagree about it by minutes, so no promise rests on comparing timestamps of different origin.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
    public var microseconds: Int64

    /// Creates the moment `microseconds` after 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Creates the moment `milliseconds` after 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64) {
        self.microseconds = milliseconds * 1000
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    public var milliseconds: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The moment `duration` later.
    public func advanced(by duration: Duration) -> Timestamp {
        Timestamp(microseconds: microseconds + duration.wholeNanoseconds / 1000)
    }

    /// The time from this moment to `other`; negative when `other` is earlier.
    public func duration(to other: Timestamp) -> Duration {
        .microseconds(other.microseconds - microseconds)
    }

    /// Orders moments by time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds, such as `2026-11-24T08:35:02.123Z`.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            write(to: buffer)
            return Self.textLength
        }
    }

    /// The length of the RFC 3339 form in bytes.
    public static let textLength = 24

    /// Appends the RFC 3339 form without allocating a string.
    public func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.textLength) { buffer in
            write(to: buffer)
            bytes.append(contentsOf: buffer)
        }
    }

    private func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        let (days, millisecondOfDay) = milliseconds.flooredQuotientAndRemainder(by: 86_400_000)
        let date = CivilDate(daysSince1970: days)
        let secondOfDay = millisecondOfDay / 1000
        func put(_ value: Int64, digits: Int, at offset: Int) {
            var rest = value
            for index in stride(from: offset + digits - 1, through: offset, by: -1) {
                buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
        }
        put(date.year, digits: 4, at: 0)
        buffer[4] = UInt8(ascii: "-")
        put(date.month, digits: 2, at: 5)
        buffer[7] = UInt8(ascii: "-")
        put(date.day, digits: 2, at: 8)
        buffer[10] = UInt8(ascii: "T")
        put(secondOfDay / 3600, digits: 2, at: 11)
        buffer[13] = UInt8(ascii: ":")
        put(secondOfDay / 60 % 60, digits: 2, at: 14)
        buffer[16] = UInt8(ascii: ":")
        put(secondOfDay % 60, digits: 2, at: 17)
        buffer[19] = UInt8(ascii: ".")
        put(millisecondOfDay % 1000, digits: 3, at: 20)
        buffer[23] = UInt8(ascii: "Z")
    }

    /// Reads RFC 3339 with any number of fraction digits (kept to the microsecond) and `Z` or a numeric offset.
    ///
    /// Returns nil for anything else: other separators, impossible dates, a missing offset.
    public init?(rfc3339 text: some StringProtocol) {
        var cursor = DigitCursor(bytes: Array(text.utf8))
        guard let year = cursor.number(digits: 4), cursor.skip("-"),
            let month = cursor.number(digits: 2), cursor.skip("-"),
            let day = cursor.number(digits: 2), cursor.skip("T") || cursor.skip("t"),
            let hour = cursor.number(digits: 2), cursor.skip(":"),
            let minute = cursor.number(digits: 2), cursor.skip(":"),
            let second = cursor.number(digits: 2),
            let whole = Timestamp(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        var fraction: Int64 = 0
        if cursor.skip(".") {
            guard let micros = cursor.fraction() else { return nil }
            fraction = micros
        }
        guard let offset = cursor.offsetInSeconds(), cursor.isAtEnd else { return nil }
        self.init(microseconds: whole.microseconds - offset * 1_000_000 + fraction)
    }

    /// The moment of a date and a time of day in UTC; nil for one that does not exist, leap seconds among them.
    public init?(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
        guard (0...9999).contains(year), let date = CivilDate(year: year, month: month, day: day),
            (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second)
        else { return nil }
        self.init(
            microseconds: (date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000)
    }

    /// The year of the moment in UTC.
    public var year: Int64 {
        CivilDate(daysSince1970: microseconds.flooredQuotientAndRemainder(by: 86_400_000_000).quotient).year
    }
}

/// The proleptic Gregorian calendar, after Howard Hinnant's `days_from_civil` and `civil_from_days`.
private struct CivilDate {
    var year: Int64
    var month: Int64
    var day: Int64

    init(daysSince1970 days: Int64) {
        let (era, dayOfEra) = (days + 719_468).flooredQuotientAndRemainder(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    init?(year: Int64, month: Int64, day: Int64) {
        guard (1...12).contains(month), day >= 1 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[Int(month) - 1] else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredQuotientAndRemainder(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

private struct DigitCursor {
    let bytes: [UInt8]
    var index = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { index == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func digit() -> Int64? {
        guard index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
        defer { index += 1 }
        return Int64(bytes[index] - UInt8(ascii: "0"))
    }

    mutating func number(digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let next = digit() else { return nil }
            value = value * 10 + next
        }
        return value
    }

    mutating func fraction() -> Int64? {
        var micros: Int64 = 0
        var scale: Int64 = 100_000
        guard var next = digit() else { return nil }
        while true {
            micros += next * scale
            scale /= 10
            guard let following = digit() else { return micros }
            next = following
        }
    }

    mutating func offsetInSeconds() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(digits: 2), skip(":"), let minutes = number(digits: 2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

extension Int64 {
    fileprivate func flooredQuotientAndRemainder(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

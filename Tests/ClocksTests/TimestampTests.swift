import Clocks
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "RFC 3339 in UTC with milliseconds, rounded down",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_999, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999Z"), (253_402_300_799_999_000, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func text(microseconds: Int64, text: String) {
        let timestamp = Timestamp(microseconds: microseconds)
        #expect(timestamp.description == text)
        var bytes: [UInt8] = [1]
        timestamp.append(to: &bytes)
        #expect(bytes == [1] + Array(text.utf8))
    }

    @Test("what is written is read back, to the millisecond, over four hundred years of days")
    func roundTrip() {
        for day in stride(from: Int64(-80_000), through: 80_000, by: 7) {
            let timestamp = Timestamp(milliseconds: day * 86_400_000 + 123)
            #expect(Timestamp(rfc3339: timestamp.description) == timestamp)
        }
    }

    @Test(
        "other forms of RFC 3339 are understood",
        arguments: [
            ("2026-01-01T00:00:00Z", 0), ("2026-01-01t00:00:00z", 0), ("2026-01-01T02:30:00+02:30", 0),
            ("2025-12-31T19:00:00-05:00", 0), ("2026-01-01T00:00:00.5Z", 500_000),
            ("2026-01-01T00:00:00.1234567899Z", 123_456),
        ] as [(String, Int64)])
    func otherForms(text: String, offset: Int64) {
        let start = Timestamp(milliseconds: 1_767_225_600_000)
        #expect(Timestamp(rfc3339: text) == start.advanced(by: .microseconds(offset)))
    }

    @Test(
        "what is no time of RFC 3339 is refused",
        arguments: [
            "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Zx", "26-01-01T00:00:00Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("milliseconds round down on both sides of 1970")
    func milliseconds() {
        #expect(Timestamp(microseconds: 1_999).milliseconds == 1)
        #expect(Timestamp(microseconds: -1).milliseconds == -1)
        #expect(Timestamp(microseconds: -1_000).milliseconds == -1)
    }

    @Test("durations lead from one moment to the other")
    func durations() {
        let early = Timestamp(microseconds: 5)
        let late = early.advanced(by: .seconds(3))
        #expect(early.duration(to: late) == .seconds(3))
        #expect(late.duration(to: early) == .seconds(-3))
        #expect(early < late)
    }

    @Test("a date and a time of day make the moment that its text says, and impossible ones make none")
    func components() {
        let moment = Timestamp(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 58)
        #expect(moment == Timestamp(rfc3339: "2024-02-29T23:59:58Z"))
        #expect(moment?.year == 2024)
        #expect(Timestamp(microseconds: -1).year == 1969)
        #expect(Timestamp(year: 2023, month: 2, day: 29, hour: 0, minute: 0, second: 0) == nil)
        #expect(Timestamp(year: 2024, month: 2, day: 1, hour: 24, minute: 0, second: 0) == nil)
        #expect(Timestamp(year: 2024, month: 2, day: 1, hour: 0, minute: 60, second: 0) == nil)
        #expect(Timestamp(year: 2024, month: 2, day: 1, hour: 0, minute: 0, second: 60) == nil)
        #expect(Timestamp(year: 10_000, month: 1, day: 1, hour: 0, minute: 0, second: 0) == nil)
    }
}

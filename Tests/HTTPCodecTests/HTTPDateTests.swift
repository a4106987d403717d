import Clocks
import HTTPCodec
import Testing

@Suite("HTTP dates")
struct HTTPDateTests {
    private static let now = Timestamp(rfc3339: "2026-03-01T12:00:00Z")!

    private func read(_ text: String, now: Timestamp = now) -> Timestamp? {
        HTTPDate(text, now: now).map { Timestamp(microseconds: $0.seconds * 1_000_000) }
    }

    @Test(
        "all three forms are read",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT", "Sun Nov 06 08:49:37 1994",
        ])
    func forms(_ text: String) {
        #expect(read(text) == Timestamp(rfc3339: "1994-11-06T08:49:37Z"))
    }

    @Test("what it writes it reads again, for any second of a thousand years")
    func roundTrip() {
        let random = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            let seconds = Int64(random.next() % 31_556_952_000) - 5_000_000_000
            let moment = Timestamp(microseconds: seconds * 1_000_000)
            let text = String(decoding: HTTPDate(moment).text, as: UTF8.self)
            #expect(read(text) == moment, "\(text)")
        }
    }

    @Test(
        "a year of two digits is the last that is at most 50 years ahead",
        arguments: [
            ("2026-03-01T12:00:00Z", "76", "2076"), ("2026-03-01T12:00:00Z", "77", "1977"),
            ("2026-03-01T12:00:00Z", "26", "2026"), ("2026-03-01T12:00:00Z", "00", "2000"),
            ("2096-03-01T12:00:00Z", "46", "2146"), ("2096-03-01T12:00:00Z", "47", "2047"),
        ])
    func twoDigits(now: String, short: String, year: String) throws {
        let moment = read("Sunday, 06-Nov-\(short) 08:49:37 GMT", now: try #require(Timestamp(rfc3339: now)))
        #expect(moment == Timestamp(rfc3339: "\(year)-11-06T08:49:37Z"))
    }

    @Test("a leap second is the second that follows")
    func leapSecond() {
        #expect(read("Sat, 31 Dec 2016 23:59:60 GMT") == Timestamp(rfc3339: "2017-01-01T00:00:00Z"))
    }

    @Test(
        "anything else is no date",
        arguments: [
            "", "Sun", "Sun, ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08-49-37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT", "1994-11-06T08:49:37Z",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ])
    func garbage(_ text: String) {
        #expect(read(text) == nil)
    }
}

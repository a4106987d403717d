import Clocks
import HTTPCodec
import Testing

@Suite("Retry-After")
struct RetryAfterTests {
    private let now = Timestamp(rfc3339: "1994-11-06T08:49:07.500Z")!

    @Test(
        "seconds and dates are times to wait; what is past or negative is none",
        arguments: [
            ("120", .seconds(120)), ("0", .zero), ("007", .seconds(7)), (" 5\t", .seconds(5)),
            ("1.5", .milliseconds(1500)), ("0.000000001", .nanoseconds(1)),
            ("2.1234567891", .nanoseconds(2_123_456_789)),
            ("-30", .zero), ("-0.5", .zero),
            ("Sun, 06 Nov 1994 08:49:37 GMT", .milliseconds(29_500)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", .milliseconds(29_500)),
            ("Sun Nov  6 08:49:37 1994", .milliseconds(29_500)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", .zero), ("Thu, 01 Jan 1970 00:00:00 GMT", .zero),
            ("99999999999999999999999", .nanoseconds(Int64.max)), ("9223372036854775807", .nanoseconds(Int64.max)),
        ] as [(String, Duration)])
    func table(text: String, delay: Duration) {
        #expect(RetryAfter.delay(text, now: now) == delay)
    }

    @Test(
        "anything else says nothing",
        arguments: [
            "", " ", "soon", "-", ".", "1.", ".5", "1.2.3", "+5", "1e3", "0x10", "5 s", "5, 6", "--5", "1_000", "٣",
            "Sun, 06 Nov 1994 08:49:37 PST", "2026-01-01T00:00:00Z", "NaN", "inf",
        ])
    func garbage(_ text: String) {
        #expect(RetryAfter.delay(text, now: now) == nil)
    }

    @Test("random bytes never trap")
    func random() {
        let random = SeededRandom(seed: 5)
        let alphabet = Array("0123456789.-, :SunNovGMT\t")
        for _ in 0..<20_000 {
            let length = Int(random.next() % 32)
            let text = String((0..<length).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
            #expect(RetryAfter.delay(text, now: now).map { $0 >= .zero } ?? true)
        }
    }
}

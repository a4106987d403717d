import Clocks
import Testing

@Suite("Monotonic instants")
struct MonotonicInstantTests {
    @Test("an instant beyond the clock's range is the last one, not an overflow")
    func saturation() {
        let instant = MonotonicInstant(nanoseconds: 100)
        #expect(instant.advanced(by: .seconds(Int64.max)) == .distantFuture)
        #expect(MonotonicInstant.distantFuture.advanced(by: .nanoseconds(1)) == .distantFuture)
        #expect(MonotonicInstant(nanoseconds: -100).advanced(by: .seconds(Int64.min)).nanoseconds == .min)
        let far = MonotonicInstant(nanoseconds: .min).duration(to: .distantFuture)
        #expect(far == .nanoseconds(Int64.max))
    }

    @Test("advancing and measuring agree")
    func agreement() {
        let start = MonotonicInstant(nanoseconds: 7)
        let end = start.advanced(by: .milliseconds(3))
        #expect(end.nanoseconds == 3_000_007)
        #expect(start.duration(to: end) == .milliseconds(3))
        #expect(end.duration(to: start) == .milliseconds(-3))
        #expect(start < end)
    }

    @Test("durations in whole units round towards zero and saturate")
    func units() {
        #expect(Duration(secondsComponent: 1, attosecondsComponent: 999_999_999).wholeNanoseconds == 1_000_000_000)
        #expect(Duration.microseconds(-1500).wholeMilliseconds == -1)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
        #expect(Duration.milliseconds(1500).inSeconds == 1.5)
    }

    @Test("the system's clock moves forward, sleeps at least as long as asked, and obeys cancellation")
    func systemTime() async throws {
        let time = SystemTime()
        let start = time.now
        try await time.sleep(for: .milliseconds(2))
        #expect(start.duration(to: time.now) >= .milliseconds(2))
        let sleeper = Task { try await time.sleep(until: .distantFuture) }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        #expect(time.wallNow > Timestamp(rfc3339: "2024-01-01T00:00:00Z")!)
    }
}

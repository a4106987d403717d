import Clocks
import TestSupport
import Testing

@Suite("The hand-moved clock")
struct TestTimeTests {
    @Test("a sleeper wakes when the clock reaches its deadline, not before")
    func wakes() async throws {
        let time = TestTime()
        let deadline = time.now.advanced(by: .seconds(5))
        let sleeper = Task { try await time.sleep(until: deadline) }
        #expect(try await time.nextTimerScheduled() == deadline)
        time.advance(by: .seconds(4))
        #expect(time.sleeperCount == 1)
        time.advance(by: .seconds(1))
        try await sleeper.value
        #expect(time.wallNow.description == "2026-01-01T00:00:05.000Z")
    }

    @Test("a cancelled sleeper leaves at once")
    func cancelled() async throws {
        let time = TestTime()
        let sleeper = Task { try await time.sleep(for: .seconds(1)) }
        try await time.nextTimerScheduled()
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        #expect(time.sleeperCount == 0)
    }

    @Test("each timer is reported once, in the order the sleeps began")
    func reportedOnce() async throws {
        let time = TestTime()
        let start = time.now
        let first = Task { try await time.sleep(for: .seconds(9)) }
        #expect(try await time.nextTimerScheduled() == start.advanced(by: .seconds(9)))
        let second = Task { try await time.sleep(for: .seconds(3)) }
        #expect(try await time.nextTimerScheduled() == start.advanced(by: .seconds(3)))
        time.advance(by: .seconds(9))
        try await first.value
        try await second.value
    }

    @Test("a deadline that has passed returns without waiting, and time never runs backwards")
    func past() async throws {
        let time = TestTime()
        let start = time.now
        try await time.sleep(until: start)
        time.advance(to: MonotonicInstant(nanoseconds: 0))
        #expect(time.now == start)
    }
}

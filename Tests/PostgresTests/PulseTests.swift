import Clocks
import TestSupport
import Testing

@testable import Postgres

/// Time is moved by hand: what counts is only when something was answered, and since when somebody waits.
@Suite("A server that hangs, and a pool that is used up")
struct PulseTests {
    private let clock = TestTime()
    private let pulse = Pulse(limit: .seconds(2))

    private func isSilent(since began: MonotonicInstant) -> Bool { pulse.isSilent(since: began, now: clock.now) }

    @Test("nothing answered for as long as somebody waited is silence, once that is long enough")
    func silence() {
        let began = clock.now
        clock.advance(by: .milliseconds(1999))
        #expect(!isSilent(since: began))
        clock.advance(by: .milliseconds(1))
        #expect(isSilent(since: began))
    }

    @Test("one answer while somebody waited says that the server works, for all who waited by then")
    func answer() {
        let first = clock.now
        clock.advance(by: .seconds(1))
        let second = clock.now
        clock.advance(by: .seconds(1))
        pulse.beat(at: clock.now)
        clock.advance(by: .seconds(5))
        #expect(!isSilent(since: first))
        #expect(!isSilent(since: second))
    }

    @Test("an answer from before the wait says nothing, and what comes back ends the silence")
    func recovery() {
        pulse.beat(at: clock.now)
        clock.advance(by: .nanoseconds(1))
        let began = clock.now
        clock.advance(by: .seconds(2))
        #expect(isSilent(since: began))
        pulse.beat(at: clock.now)
        #expect(!isSilent(since: began))
    }

    @Test("an idle server that nobody asked is not silent for who has just come")
    func idle() {
        pulse.beat(at: clock.now)
        clock.advance(by: .seconds(60))
        #expect(!isSilent(since: clock.now))
    }
}

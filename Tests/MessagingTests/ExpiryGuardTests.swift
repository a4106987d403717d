import Clocks
import TestSupport
import Testing

@testable import Messaging

/// Times are in seconds; the sender's clock shows `skew` more than ours.
@Suite("The guard against commands that come too late")
struct ExpiryGuardTests {
    /// A sender whose messages are under way for as long as the test says.
    struct Sender {
        var name = "/holdfast/order-service#1"
        /// What its clock shows at our zero.
        var skew: Double

        func clock(_ seconds: Double) -> Timestamp {
            Timestamp(milliseconds: 1_767_225_600_000).advanced(by: .seconds(seconds + skew))
        }
    }

    static func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000_000).advanced(by: .seconds(seconds))
    }

    /// What becomes of a command that was under way for `delay` when it is here `now`.
    private func arrive(
        _ guarding: inout ExpiryGuard, _ sender: Sender, now: Double, delay: Double, patience: Double? = 10
    ) -> ExpiryGuard.Verdict {
        let said = sender.clock(now - delay)
        guarding.observe(sender.name, said: said, now: Self.at(now))
        return guarding.judge(
            sender.name, said: said, deadline: patience.map { said.advanced(by: .seconds($0)) }, now: Self.at(now))
    }

    @Test(
        "a command is refused once it was under way for longer than its patience, whatever the clocks show",
        arguments: [-600.0, -0.2, 0, 0.2, 600])
    func late(skew: Double) {
        var guarding = ExpiryGuard()
        let sender = Sender(skew: skew)
        #expect(arrive(&guarding, sender, now: 0, delay: 0.05) == .begin)
        #expect(arrive(&guarding, sender, now: 20, delay: 9.9) == .begin)
        #expect(arrive(&guarding, sender, now: 20, delay: 10.2) == .refuse)
        #expect(arrive(&guarding, sender, now: 20, delay: 3600) == .refuse)
        #expect(arrive(&guarding, sender, now: 20, delay: 0.05) == .begin)
    }

    @Test("a command without a deadline is begun however late it is")
    func withoutDeadline() {
        var guarding = ExpiryGuard()
        let sender = Sender(skew: 0)
        #expect(arrive(&guarding, sender, now: 0, delay: 0) == .begin)
        #expect(arrive(&guarding, sender, now: 900, delay: 800, patience: nil) == .begin)
    }

    @Test("of a sender never seen before nothing is refused: its delay and its clock look alike")
    func first() {
        var guarding = ExpiryGuard()
        #expect(arrive(&guarding, Sender(skew: -600), now: 0, delay: 3600) == .begin)
        #expect(arrive(&guarding, Sender(name: "b", skew: 600), now: 0, delay: 0) == .begin)
    }

    @Test("the last message of a backlog tells how late the first ones are")
    func backlog() {
        var guarding = ExpiryGuard()
        let sender = Sender(skew: 77)
        let delays = stride(from: 60, through: 0, by: -1).map(Double.init)
        for delay in delays { guarding.observe(sender.name, said: sender.clock(100 - delay), now: Self.at(100)) }
        let verdicts = delays.map { delay -> ExpiryGuard.Verdict in
            let said = sender.clock(100 - delay)
            return guarding.judge(
                sender.name, said: said, deadline: said.advanced(by: .seconds(10)), now: Self.at(100))
        }
        for (delay, verdict) in zip(delays, verdicts) {
            #expect(verdict == (delay <= 10 ? .begin : .refuse), "a delay of \(delay) s")
        }
    }

    @Test("a quiet sender stays known for an hour")
    func quiet() {
        var guarding = ExpiryGuard()
        let sender = Sender(skew: 0)
        #expect(arrive(&guarding, sender, now: 0, delay: 0) == .begin)
        #expect(arrive(&guarding, sender, now: 3500, delay: 60) == .refuse)
        #expect(arrive(&guarding, sender, now: 7200, delay: 60) == .begin)
    }

    @Test("each process of a service has a clock of its own")
    func processes() {
        var guarding = ExpiryGuard()
        let (ahead, behind) = (Sender(name: "a", skew: 300), Sender(name: "b", skew: -300))
        for second in 0..<20 {
            #expect(arrive(&guarding, ahead, now: Double(second), delay: 0.1) == .begin)
            #expect(arrive(&guarding, behind, now: Double(second), delay: 0.1) == .begin)
        }
        #expect(arrive(&guarding, ahead, now: 20, delay: 11) == .refuse)
        #expect(arrive(&guarding, behind, now: 20, delay: 11) == .refuse)
    }

    @Test("remembers a bounded number of processes, those heard last")
    func bound() {
        var guarding = ExpiryGuard()
        for number in 0...ExpiryGuard.senderLimit {
            #expect(arrive(&guarding, Sender(name: "\(number)", skew: 0), now: Double(number), delay: 0) == .begin)
        }
        #expect(arrive(&guarding, Sender(name: "1", skew: 0), now: 100, delay: 20) == .refuse)
        #expect(arrive(&guarding, Sender(name: "0", skew: 0), now: 100, delay: 20) == .begin)
    }

    @Test("one message with a clock far ahead makes nobody late; what looks late meanwhile is begun and counted")
    func glitch() {
        var guarding = ExpiryGuard()
        let (sender, odd) = (Sender(skew: 0), Sender(skew: 600))
        for second in 0..<30 { #expect(arrive(&guarding, sender, now: Double(second), delay: 0.1) == .begin) }
        #expect(arrive(&guarding, odd, now: 30, delay: 0.1) == .begin)
        for second in 31..<60 { #expect(arrive(&guarding, sender, now: Double(second), delay: 0.1) == .begin) }
        #expect(arrive(&guarding, sender, now: 60, delay: 20) == .refuse)
    }

    @Test("while a sender's clock may have been set, what looks late is begun and counted")
    func doubt() {
        var guarding = ExpiryGuard()
        #expect(arrive(&guarding, Sender(skew: 0), now: 0, delay: 0.1) == .begin)
        #expect(arrive(&guarding, Sender(skew: 600), now: 1, delay: 0.1) == .begin)
        #expect(arrive(&guarding, Sender(skew: 0), now: 2, delay: 20) == .beginLate)
        #expect(arrive(&guarding, Sender(skew: 0), now: 11, delay: 20) == .refuse)
    }
}

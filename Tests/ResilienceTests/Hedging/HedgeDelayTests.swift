import Clocks
import Testing

@testable import Resilience

struct HedgeDelayTests {
    private func at(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    private func configuration(_ change: (inout HedgeConfiguration) -> Void = { _ in }) -> HedgeConfiguration {
        var configuration = HedgeConfiguration()
        configuration.minimumSamples = 10
        configuration.window = .seconds(10)
        change(&configuration)
        return configuration
    }

    @Test("until there are enough samples the fallback counts, then at once the quantile")
    func samples() {
        var delay = HedgeDelay(configuration())
        for _ in 0..<9 { delay.record(.milliseconds(20), now: at(0)) }
        #expect(delay.delay(now: at(0)) == .milliseconds(250))
        delay.record(.milliseconds(20), now: at(0))
        let learnt = delay.delay(now: at(0))
        #expect(learnt >= .milliseconds(20) && learnt <= .milliseconds(21))
    }

    @Test("it follows the latencies", arguments: [1, 5, 40])
    func follows(factor: Int) {
        var delay = HedgeDelay(configuration())
        for index in 0..<1000 { delay.record(.milliseconds(index % 100 < 90 ? 1 : 10), now: at(0)) }
        #expect(delay.delay(now: at(0)) >= .milliseconds(10) && delay.delay(now: at(0)) <= .milliseconds(11))
        for _ in 0..<1000 { delay.record(.milliseconds(10 * factor), now: at(1)) }
        let learnt = delay.delay(now: at(1))
        #expect(learnt >= .milliseconds(10 * factor) && learnt <= .milliseconds(11 * factor))
    }

    @Test("it stays between the shortest and the longest delay")
    func bounds() {
        var fast = HedgeDelay(configuration { $0.minimumDelay = .milliseconds(5) })
        var slow = HedgeDelay(configuration { $0.maximumDelay = .milliseconds(300) })
        for _ in 0..<10 {
            fast.record(.microseconds(100), now: at(0))
            slow.record(.seconds(3), now: at(0))
        }
        #expect(fast.delay(now: at(0)) == .milliseconds(5))
        #expect(slow.delay(now: at(0)) == .milliseconds(300))
    }

    @Test("what was learnt is forgotten when no calls have been made for long")
    func forgets() {
        var delay = HedgeDelay(configuration())
        for _ in 0..<10 { delay.record(.milliseconds(20), now: at(5)) }
        #expect(delay.delay(now: at(19)) < .milliseconds(21))
        #expect(delay.delay(now: at(30)) == .milliseconds(250))
        delay.record(.milliseconds(20), now: at(31))
        #expect(delay.delay(now: at(31)) == .milliseconds(250))
    }

    @Test("numbers that make no sense are named")
    func faults() {
        #expect(HedgeConfiguration().faults.isEmpty)
        var configuration = HedgeConfiguration()
        configuration.quantile = 1
        configuration.minimumDelay = .seconds(-1)
        configuration.maximumDelay = .seconds(-2)
        configuration.minimumSamples = 0
        configuration.window = .zero
        configuration.maximumExtraCalls = 0
        #expect(configuration.faults.count == 7)
    }
}

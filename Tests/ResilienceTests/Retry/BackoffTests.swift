import Clocks
import Resilience
import Testing

struct BackoffTests {
    @Test("exponential delays double up to the cap")
    func exponential() {
        let backoff = Backoff.exponential(base: .seconds(1), factor: 2, cap: .seconds(5), jitter: 0)
        let delays = [1, 2, 3, 4, 1_000_000].map { backoff.delay($0, after: nil, random: SeededRandom(seed: 1)) }
        #expect(delays == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)])
    }

    @Test("the cap comes before the jitter: at the cap delays are still spread")
    func capBeforeJitter() {
        let backoff = Backoff.exponential(base: .seconds(1), factor: 2, cap: .seconds(5), jitter: 0.5)
        let random = SeededRandom(seed: 3)
        let delays = (0..<500).map { _ in backoff.delay(20, after: nil, random: random) }
        #expect(delays.allSatisfy { $0 > .seconds(2.5) && $0 <= .seconds(5) })
        #expect(Set(delays).count == 500)
    }

    @Test("decorrelated delays stay between base, three times the one before, and the cap")
    func decorrelated() {
        let backoff = Backoff.decorrelated(base: .milliseconds(100), cap: .seconds(3))
        let random = SeededRandom(seed: 5)
        var previous: Duration?
        for count in 1...500 {
            let delay = backoff.delay(count, after: previous, random: random)
            #expect(delay >= .milliseconds(100) && delay <= min((previous ?? .milliseconds(100)) * 3, .seconds(3)))
            previous = delay
        }
    }

    @Test("numbers that make no sense are named")
    func faults() {
        #expect(Backoff.exponential(base: .zero, cap: .zero).faults.isEmpty)
        #expect(Backoff.exponential(base: .seconds(2), factor: .nan, cap: .seconds(1), jitter: -1).faults.count == 3)
        #expect(Backoff.exponential(base: .seconds(-2), cap: .seconds(1)).faults.count == 1)
        #expect(Backoff.decorrelated(base: .zero, cap: .seconds(-1)).faults.count == 2)
    }
}

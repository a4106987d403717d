import Clocks
import Testing

@testable import Resilience

/// Success rates compared at the end of an interval.
struct OutlierTests {
    private struct Bench {
        var machine: LoadBalancerMachine
        var now = MonotonicInstant(nanoseconds: 0)
        let random = SeededRandom(seed: 3)

        init(_ count: Int, _ change: (inout LoadBalancerConfiguration) -> Void = { _ in }) {
            var configuration = LoadBalancerConfiguration()
            configuration.consecutiveFailures = nil
            change(&configuration)
            machine = LoadBalancerMachine(configuration, count: count, seed: 1, now: now)
        }

        /// An interval in which each place gets this many calls, of which this share succeeds. Who was ejected at its end.
        mutating func interval(calls: Int, _ rates: [Double]) -> [Int] {
            var changes: [LoadBalancerMachine.Change] = []
            for (index, rate) in rates.enumerated() {
                let others = Array(rates.indices.filter { $0 != index })
                for number in 0..<calls {
                    let ticket = machine.pick(excluding: others, now: now, jitter: random, changes: &changes)
                    guard let ticket, ticket.index == index else { continue }
                    let outcome: CallOutcome = Double(number) < rate * Double(calls) ? .success : .failure
                    _ = machine.finish(ticket, outcome, now: now, jitter: random, changes: &changes)
                }
            }
            now = now.advanced(by: machine.configuration.interval)
            if let last = machine.pick(excluding: [], now: now, jitter: random, changes: &changes) {
                _ = machine.finish(last, .neutral, now: now, jitter: random, changes: &changes)
            }
            return changes.compactMap { if case .ejected(let index, _, _) = $0 { index } else { nil } }
        }
    }

    @Test("an endpoint that succeeds far less often than the others is ejected")
    func successRate() {
        var bench = Bench(6)
        #expect(bench.interval(calls: 100, [1, 1, 0.6, 1, 0.99, 1]) == [2])
    }

    @Test("a little worse than others that are all alike is no outlier")
    func minimumDifference() {
        var bench = Bench(10)
        #expect(bench.interval(calls: 100, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0.95]) == [])
    }

    @Test("when all are equally bad none is an outlier")
    func equallyBad() {
        var bench = Bench(6)
        #expect(bench.interval(calls: 100, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]) == [])
    }

    @Test("too few calls or too few endpoints say nothing")
    func minimums() {
        var few = Bench(6)
        #expect(few.interval(calls: 49, [1, 1, 0, 1, 1, 1]) == [])
        var small = Bench(4)
        #expect(small.interval(calls: 100, [1, 1, 0.3, 1]) == [])
    }

    @Test("one of two that nearly always fails needs no comparison")
    func failureRate() {
        var bench = Bench(2)
        #expect(bench.interval(calls: 100, [1, 0.2]) == [])
        #expect(bench.interval(calls: 100, [1, 0.15]) == [1])
    }

    @Test("where not all outliers may be ejected, the worst are")
    func worstFirst() {
        var bench = Bench(4) {
            $0.failureRate = 0.5
            $0.maximumEjectedShare = 0.5
        }
        #expect(bench.interval(calls: 100, [0.4, 0.1, 0.3, 0.2]) == [1, 3])
    }

    @Test("an interval counts its own calls only")
    func eachInterval() {
        var bench = Bench(6)
        for _ in 0..<5 { #expect(bench.interval(calls: 40, [1, 1, 0.2, 1, 1, 1]) == []) }
    }

    @Test(
        "bad configurations are told all at once",
        arguments: [
            ({ @Sendable (c: inout LoadBalancerConfiguration) in }, 0),
            ({ c in c.minimumEndpoints = 4 }, 1),
            ({ c in (c.minimumEndpoints, c.deviations) = (2, nil) }, 0),
            ({ c in (c.consecutiveFailures, c.interval, c.minimumCalls) = (0, .zero, 0) }, 3),
            ({ c in (c.failureRate, c.deviations) = (0, 0) }, 2),
            ({ c in (c.maximumEjectedShare, c.panicShare, c.initialShare) = (1.1, -1, 0) }, 3),
            ({ c in (c.minimumDifference, c.slowStart) = (.nan, .seconds(-1)) }, 2),
        ] as [(@Sendable (inout LoadBalancerConfiguration) -> Void, Int)])
    func faults(change: @Sendable (inout LoadBalancerConfiguration) -> Void, count: Int) {
        var configuration = LoadBalancerConfiguration()
        change(&configuration)
        #expect(configuration.faults.count == count)
    }
}

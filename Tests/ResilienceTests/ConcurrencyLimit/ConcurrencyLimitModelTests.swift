import Clocks
import Testing

@testable import Resilience

struct ConcurrencyLimitModelTests {
    @Test(
        "whatever happens, calls are admitted up to their share of a limit within its bounds",
        arguments: replayable(0..<200))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var configuration = ConcurrencyLimitConfiguration()
        configuration.minimumLimit = 1 + pick(5)
        configuration.initialLimit = configuration.minimumLimit + pick(20)
        configuration.maximumLimit = configuration.initialLimit + pick(50)
        configuration.minimumSamples = 1 + pick(10)
        configuration.window = .milliseconds(1 + pick(200))
        if pick(2) == 0 {
            configuration.algorithm = .additiveIncrease(.init(latencyLimit: .milliseconds(20 + pick(100))))
        }
        var now = MonotonicInstant(nanoseconds: 1)
        var machine = ConcurrencyLimitMachine(configuration, now: now)
        var calls: [MonotonicInstant] = []
        var reported = configuration.initialLimit
        for _ in 0..<2000 {
            now = now.advanced(
                by: [.zero, .microseconds(pick(5000)), .milliseconds(pick(50)), .seconds(pick(3))][pick(4)])
            if pick(9) < 5 {
                let priority = CallPriority.allCases[pick(3)]
                let wasProbing = machine.algorithm.isProbing
                let isFree = calls.count < machine.limit(for: priority)
                let isAdmitted = machine.admit(priority, now: now)
                // A refusal may end a probe that takes too long, and then there may be room.
                #expect(isAdmitted == isFree || (isAdmitted && wasProbing), "seed \(seed)")
                if isAdmitted { calls.append(now) }
                #expect(calls.count <= machine.limit || !isAdmitted, "seed \(seed)")
            } else if !calls.isEmpty {
                let startedAt = calls.remove(at: pick(calls.count))
                let change = machine.finish(LimitedCallOutcome.allCases[pick(3)], startedAt: startedAt, now: now)
                if let change {
                    #expect(
                        change.from == reported && change.to == machine.limit && change.from != change.to,
                        "seed \(seed)")
                    reported = change.to
                }
            }
            #expect(machine.inFlight == calls.count, "seed \(seed)")
            let bounds = configuration.minimumLimit...configuration.maximumLimit
            #expect(bounds.contains(machine.limit), "seed \(seed)")
            for priority in CallPriority.allCases { #expect(machine.limit(for: priority) >= 1, "seed \(seed)") }
        }
    }

    @Test("the middle one of three, whatever their order; before there are three, the lower one")
    func median() {
        for values in [[1.0, 2, 3], [3, 1, 2], [2, 3, 1], [3, 2, 1], [1, 3, 2], [2, 1, 3]] {
            var median = MedianOfThree()
            #expect(median.add(values[0]) == values[0])
            #expect(median.add(values[1]) == min(values[0], values[1]))
            #expect(median.add(values[2]) == 2)
        }
        var median = MedianOfThree()
        #expect([1, 1, 100, 1, 1].map { median.add($0) } == [1, 1, 1, 1, 1])
    }
}

import Clocks
import HTTPCodec
import ServiceChassis
import Synchronization
import TestSupport
import Testing

@Suite("A service goes down under load and comes back", .timeLimit(.minutes(2)))
struct CallStormTests {
    private static let rate = 200
    private static let outage: Range<Duration> = .seconds(1) ..< .seconds(2)
    private static let length = Duration.seconds(4)

    enum Fault: CaseIterable {
        case says503, resets
    }

    private final class Tally: Sendable {
        private let state = Mutex<(running: Int, ended: [(begun: Duration, isGood: Bool)])>((0, []))
        var running: Int { state.withLock { $0.running } }
        var ended: [(begun: Duration, isGood: Bool)] { state.withLock { $0.ended } }

        func begin() { state.withLock { $0.running += 1 } }
        func end(begun: Duration, isGood: Bool) {
            state.withLock { state in
                state.running -= 1
                state.ended.append((begun, isGood))
            }
        }
    }

    /// Offers calls evenly. The clock moves only when every call that is under way waits for its next attempt, so that
    /// all that arrives at the server bears the time at which it was sent.
    private static func offer(_ bench: CallBench, _ tally: Tally) async {
        await withDiscardingTaskGroup { group in
            let begin = bench.time.now
            var next = Duration.zero
            while true {
                while bench.time.sleeperCount < tally.running { await Task.yield() }
                let isOver = next >= length
                if isOver, tally.running == 0 { return }
                let timer = bench.time.earliestTimer
                if !isOver, timer.map({ begin.advanced(by: next) <= $0 }) ?? true {
                    bench.time.advance(to: begin.advanced(by: next))
                    tally.begin()
                    group.addTask { [next] in
                        let kind = await bench.send(.get).kind
                        tally.end(begun: next, isGood: kind == "200")
                    }
                    next += .seconds(1) / rate
                } else if let timer {
                    bench.time.advance(to: timer)
                }
            }
        }
    }

    /// The most requests that arrived within any second.
    private static func peak(_ arrivals: [MonotonicInstant]) -> Int {
        var (most, first) = (0, 0)
        for (last, arrival) in arrivals.enumerated() {
            while arrivals[first].duration(to: arrival) >= .seconds(1) { first += 1 }
            most = max(most, last - first + 1)
        }
        return most
    }

    @Test(
        "in no second does more arrive than 1.2 times what is offered, and nobody has to help it up",
        arguments: Fault.allCases, [true, false])
    func storm(fault: Fault, hasBreaker: Bool) async throws {
        let time = TestTime()
        let begin = time.now
        let neighbour = Neighbour(time) { _, _ in
            guard Self.outage.contains(begin.duration(to: time.now)) else { return .plain(200) }
            return fault == .says503 ? .plain(503) : .abort(reset: true)
        }
        // The standard configuration, pauses and all.
        var configuration = ServiceCaller.Configuration()
        if !hasBreaker { configuration.breaker.failureRate = nil }
        try await CallBench.with([neighbour], configuration) { bench in
            let tally = Tally()
            await Self.offer(bench, tally)

            let peak = Self.peak(neighbour.arrivals)
            #expect(Double(peak) < 1.2 * Double(Self.rate), "\(peak) requests arrived within a second")
            let ended = tally.ended
            #expect(ended.count == Self.rate * 4)
            #expect(bench.attempts(2) > 0)
            #expect(bench.suppressed > 0)
            // With the breaker open hardly anything is asked while it is down.
            let down = neighbour.arrivals.count { Self.outage.contains(begin.duration(to: $0)) }
            #expect(hasBreaker ? down < Self.rate : down >= Self.rate)

            let lost = ended.filter { !$0.isGood }.map(\.begun)
            let recovered = Self.outage.upperBound + (hasBreaker ? .milliseconds(1100) : .zero)
            #expect(lost.allSatisfy { $0 >= Self.outage.lowerBound && $0 <= recovered })
            #expect(bench.breakerState == 0)
            #expect(bench.isHealthy)
        }
    }
}

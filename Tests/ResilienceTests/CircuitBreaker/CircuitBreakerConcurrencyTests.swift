import Clocks
import Resilience
import TestSupport
import Testing

/// Many threads on one breaker. Meant for the thread sanitizer too.
struct CircuitBreakerConcurrencyTests {
    /// Runs this many tasks, each so many times.
    private func storm(_ tasks: Int, times: Int, _ body: @escaping @Sendable (_ task: Int, _ time: Int) async -> Void)
        async
    {
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask { for time in 0..<times { await body(task, time) } }
            }
        }
    }

    @Test("no call is lost or counted twice, whatever happens to the breaker meanwhile")
    func everyCallCounts() async {
        let bench = BreakerBench {
            $0.permittedProbes = 3
            $0.openTime = .exponential(base: .milliseconds(5), cap: .milliseconds(20), jitter: 0)
        }
        let (admitted, refused) = (Gauge(), Gauge())
        await storm(6, times: 3000) { task, time in
            switch bench.breaker.admit() {
            case .permitted(let permit):
                admitted.up()
                if time % 40 == 0 { await Task.yield() }
                // Bad times and good times take turns.
                if (time / 200) % 2 == 0 || time % 7 > 0 {
                    permit.finish(.success)
                } else {
                    permit.finish(time % 3 == 0 ? .neutral : .failure)
                }
            case .rejected:
                refused.up()
            }
            if time % 50 == task { bench.time.advance(by: .milliseconds(1)) }
            if task == 0, time % 700 == 0 { bench.breaker.obey(CircuitBreakerCommand.allCases[(time / 700) % 5]) }
            if task == 1, time % 100 == 0 { _ = bench.breaker.snapshot }
        }
        let counts = bench.breaker.snapshot.counts
        let finished = [.success, .failure, .neutral, .late].reduce(0) { $0 + counts.total($1) }
        #expect(Int(finished) == admitted.value)
        #expect(Int(counts.total(.rejected)) == refused.value)
        #expect(counts.total(.success) > 0 && counts.total(.failure) > 0 && counts.total(.rejected) > 0)
    }

    @Test("never are more probes under way than are permitted, and no slot is lost")
    func probes() async {
        let bench = BreakerBench.open {
            $0.permittedProbes = 3
            $0.probeSuccessRatio = 1
            $0.openTime = .exponential(base: .milliseconds(1), cap: .milliseconds(1), jitter: 0)
        }
        bench.time.advance(by: .milliseconds(1))
        let out = Gauge()
        await storm(8, times: 500) { task, time in
            guard case .permitted(let permit) = bench.breaker.admit() else { return }
            out.up()
            await Task.yield()
            out.down()
            // Nothing decides: every probe gives its slot back.
            if time % 2 == 0 { permit.finish(.neutral) }
        }
        #expect(out.peak <= 3)
        #expect(bench.breaker.state == .halfOpen && bench.breaker.snapshot.probesOut == 0)
        for _ in 0..<3 { #expect(bench.call(.success)) }
        #expect(bench.breaker.state == .closed)
    }

    @Test("of calls that fail together exactly one opens the breaker, and the others are late")
    func opensOnce() async {
        for _ in 0..<50 {
            let bench = BreakerBench { $0.consecutiveFailures = 1 }
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { bench.call(.failure) } }
            }
            let snapshot = bench.breaker.snapshot
            #expect(bench.causes == [.consecutiveFailures])
            #expect(snapshot.counts[.closed, .failure] == 1)
            #expect(snapshot.counts.total(.late) + snapshot.counts.total(.rejected) == 3)
        }
    }

    @Test("good calls of many threads fill the window as if they had come one by one")
    func window() async {
        for window in [CircuitBreakerConfiguration.Window.count(1000), .time(.seconds(10))] {
            let bench = BreakerBench { $0.window = window }
            await storm(4, times: 200) { _, _ in bench.call(.success) }
            #expect(bench.breaker.snapshot.calls == 800)
            #expect(bench.breaker.snapshot.counts[.closed, .success] == 800)
        }
    }

    @Test("the timer and calls race for the end of the open time, and one of them wins", .timeLimit(.minutes(5)))
    func timerAgainstCalls() async throws {
        for _ in 0..<30 {
            let bench = BreakerBench.open {
                $0.changesByTimer = true
                $0.permittedProbes = 1
            }
            let end = try #require(bench.breaker.openUntil)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { bench.time.advance(to: end) }
                for _ in 0..<3 { group.addTask { while !bench.call(.success) { await Task.yield() } } }
            }
            #expect(bench.breaker.state == .closed)
            // Reports of different threads may overtake each other.
            #expect(bench.causes.count == 3)
            #expect(Set(bench.causes) == [.failureRate, .openTimeOver, .probesSucceeded])
            while bench.time.sleeperCount != 0 { await Task.yield() }
        }
    }
}

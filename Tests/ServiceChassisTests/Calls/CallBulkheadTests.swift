import Clocks
import HTTPCodec
import ServiceChassis
import TestSupport
import Testing

@Suite("How many calls are under way", .timeLimit(.minutes(1)))
struct CallBulkheadTests {
    /// A neighbour that holds its first requests until it is told to go on.
    private struct Slow {
        let started = Gate()
        let release = Gate()
        let neighbour: Neighbour

        init(holding count: Int = 1) {
            neighbour = Neighbour(TestTime()) { [started, release] _, number in
                if number == count { started.open() }
                if number <= count { try? await release.wait() }
                return .plain(200)
            }
        }
    }

    private static func configuration(limit: Int = 1, queueLimit: Int) -> ServiceCaller.Configuration {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.bulkhead.limit = limit
        configuration.bulkhead.queueLimit = queueLimit
        configuration.bulkhead.maximumWait = .seconds(1)
        return configuration
    }

    @Test("one call too many is refused at once, with no effect, and says nothing about the service")
    func full() async throws {
        let slow = Slow(holding: 2)
        try await CallBench.with([slow.neighbour], Self.configuration(limit: 2, queueLimit: 0)) { bench in
            async let first = bench.send(.get)
            async let second = bench.send(.post)
            try await slow.started.wait()
            let refused = await bench.send(.post)
            #expect(refused.kind == "refused")
            #expect(refused.error?.hadNoEffect == true)
            #expect(refused.error?.problem.type == .dependencyUnavailable)
            #expect(refused.retryAfter == "1")
            #expect(slow.neighbour.requests.count == 2)
            #expect(bench.calls(.rejected) == 1)

            slow.release.open()
            #expect(await first.kind == "200")
            #expect(await second.kind == "200")
            #expect(await bench.send(.post).kind == "200")
            #expect(bench.breaker("closed", "success") == 3)
            #expect(bench.breaker("closed", "failure") == 0)
            #expect(bench.breaker("closed", "neutral") == 0)
        }
    }

    @Test("a call waits its turn, and goes on when a place is free")
    func waits() async throws {
        let slow = Slow()
        try await CallBench.with([slow.neighbour], Self.configuration(queueLimit: 1)) { bench in
            async let first = bench.send(.get)
            try await slow.started.wait()
            async let second = bench.send(.get)
            try await bench.time.nextTimerScheduled()
            #expect(await bench.send(.get).kind == "refused")
            #expect(slow.neighbour.requests.count == 1)
            slow.release.open()
            #expect(await first.kind == "200")
            #expect(await second.kind == "200")
            #expect(slow.neighbour.requests.count == 2)
        }
    }

    @Test(
        "a call that waits too long, or past its deadline, is not sent",
        arguments: [(.seconds(20), .seconds(1)), (.milliseconds(400), .milliseconds(400))] as [(Duration, Duration)])
    func waitsTooLong(patience: Duration, end: Duration) async throws {
        let slow = Slow()
        try await CallBench.with([slow.neighbour], Self.configuration(queueLimit: 1)) { bench in
            let began = bench.time.now
            async let first = bench.send(.get)
            try await slow.started.wait()
            async let second = bench.send(.post, within: patience)
            #expect(try await bench.time.nextTimerScheduled() == began.advanced(by: end))
            bench.time.advance(by: end)
            let outcome = await second
            #expect(outcome.kind == "refused")
            #expect(outcome.error?.hadNoEffect == true)
            slow.release.open()
            #expect(await first.kind == "200")
            #expect(slow.neighbour.requests.count == 1)
            #expect(bench.calls(.rejected) == 1)
        }
    }

    @Test("a call that is cancelled while it waits leaves its place in the queue to others")
    func cancelled() async throws {
        let slow = Slow()
        try await CallBench.with([slow.neighbour], Self.configuration(queueLimit: 1)) { bench in
            async let first = bench.send(.get)
            try await slow.started.wait()
            let second = Task { await bench.send(.post) }
            try await bench.time.nextTimerScheduled()
            second.cancel()
            #expect(await second.value.kind == "cancelled")
            // Waits for less long, so that a timer of its own tells of it.
            async let third = bench.send(.get, within: .milliseconds(500))
            try await bench.time.nextTimerScheduled()
            slow.release.open()
            #expect(await first.kind == "200")
            #expect(await third.kind == "200")
            #expect(slow.neighbour.requests.count == 2)
        }
    }
}

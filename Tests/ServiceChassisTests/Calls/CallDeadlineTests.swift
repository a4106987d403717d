import Clocks
import HTTPCodec
import Resilience
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Deadlines of calls", .timeLimit(.minutes(1)))
struct CallDeadlineTests {
    /// One who asks a service that asks another.
    private struct Chain {
        var asking: CallBench
        var middle: Neighbour
        var middleAsking: CallBench
        var back: Neighbour
    }

    /// Runs a chain whose middle takes time of its own before it asks the one behind.
    private func withChain(
        taking ownTime: Duration = .milliseconds(300), _ body: (Chain) async throws -> Void
    ) async throws {
        let time = TestTime()
        let (middle, back) = (Neighbour(time), Neighbour(time))
        try await CallBench.with([back]) { inner in
            var router = Router()
            router.get("/v1/thing", access: .everyone) { context in
                time.advance(by: ownTime)
                let response = try await inner.caller.send(.get, operation: "do", deadline: context.deadline)
                return .plain(response.status.code)
            }
            let handler = RequestHandler.test(router, time: time)
            middle.answer { request, _ in await handler.handle(request) }
            try await CallBench.with([middle]) { bench in
                try await body(Chain(asking: bench, middle: middle, middleAsking: inner, back: back))
            }
        }
    }

    /// What the requests that arrived there said of the time they have.
    private static func timeouts(_ neighbour: Neighbour) -> [Duration?] {
        neighbour.requests.map { try? RequestTimeout.read($0.fields) }
    }

    @Test("what remains of the time shrinks with every hop")
    func shrinks() async throws {
        try await withChain { chain in
            #expect(await chain.asking.send(.get, within: .seconds(1)).kind == "200")
            #expect(Self.timeouts(chain.middle) == [.seconds(1)])
            #expect(Self.timeouts(chain.back) == [.milliseconds(700)])
        }
    }

    @Test("a hop gets no more than an attempt may take, however patient the first one is")
    func attempt() async throws {
        try await withChain { chain in
            #expect(await chain.asking.send(.get, within: .seconds(60)).kind == "200")
            #expect(Self.timeouts(chain.middle) == [.seconds(2)])
            #expect(Self.timeouts(chain.back) == [.milliseconds(1700)])
        }
    }

    @Test("a call whose deadline has passed is not sent")
    func passed() async throws {
        let ownTime = Duration.milliseconds(20)
        try await withChain(taking: ownTime) { chain in
            let late = await chain.asking.send(.get, within: .zero)
            #expect(late == .failed(.deadlineExceeded(operation: "do", mayHaveBeenSent: false)))
            #expect(chain.asking.calls(.timeout) == 1)
            #expect(chain.middle.requests.isEmpty)

            #expect(await chain.asking.send(.get, within: ownTime).error != nil)
            await chain.asking.eventually { chain.middleAsking.calls(.timeout) == 1 }
            #expect(chain.middle.requests.count == 1)
            #expect(chain.back.requests.isEmpty)
        }
    }

    @Test("no attempt begins past the deadline, and none is waited for that would")
    func retries() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(503, retryAfter: "2") }
        try await CallBench.with([neighbour]) { bench in
            let began = bench.time.now
            let outcome = await bench.send(.get, within: .seconds(1))
            #expect(outcome.kind == "unavailable")
            #expect(outcome.retryAfter == "2")
            #expect(bench.time.now == began)
            #expect(neighbour.requests.count == 1)
            #expect(bench.attempts(2) == 0)
        }
    }

    /// A neighbour that answers only after the time of the request is over.
    private func tardy(_ time: TestTime) -> Neighbour {
        Neighbour(time) { request, _ in
            if let timeout = try? RequestTimeout.read(request.fields) { time.advance(by: timeout) }
            try? await Gate().wait()
            return .plain(200)
        }
    }

    @Test(
        "when the time is over the caller is told so, and whether something may have been done",
        arguments: [(ServiceRequest.get, true), (.post, false), (.keyedPost, false)])
    func tooLate(request: ServiceRequest, hadNoEffect: Bool) async throws {
        let neighbour = tardy(TestTime())
        try await CallBench.with([neighbour]) { bench in
            let outcome = await bench.send(request, within: .milliseconds(20))
            #expect(outcome == .failed(.deadlineExceeded(operation: "do", mayHaveBeenSent: !hadNoEffect)))
            #expect(neighbour.requests.count == 1)
            #expect(bench.calls(.timeout) == 1)
        }
    }

    @Test("callers without patience cannot have a service cut off for everybody")
    func haste() async throws {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.attemptTimeout = .milliseconds(80)
        configuration.breaker.minimumCalls = 5
        let neighbour = tardy(TestTime())
        try await CallBench.with([neighbour], configuration) { bench in
            for _ in 0..<10 { #expect(await bench.send(.get, within: .milliseconds(10)).kind == "deadline-exceeded") }
            neighbour.answer { _, _ in ProblemDetails(.deadlineExceeded).response() }
            bench.emptyBudget()
            for _ in 0..<10 { #expect(await bench.send(.get, within: .milliseconds(10)).kind == "unavailable") }
            #expect(bench.breakerState == 0)
            #expect(bench.breaker("closed", "neutral") == 20)
            // With time enough to answer the same says that it does not work.
            for _ in 0..<5 { _ = await bench.send(.get) }
            #expect(bench.breakerState == 1)
            #expect(bench.breaker("closed", "failure") == 5)
        }
    }

    @Test("a service that never answers is one that does not work, also where the caller's time is the shorter one")
    func silence() async throws {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.attemptTimeout = .milliseconds(40)
        configuration.breaker.minimumCalls = 5
        let neighbour = tardy(TestTime())
        try await CallBench.with([neighbour], configuration) { bench in
            for _ in 0..<5 { #expect(await bench.send(.get, within: .milliseconds(20)).kind == "deadline-exceeded") }
            #expect(bench.breakerState == 1)
            #expect(!bench.isHealthy)
        }
    }
}

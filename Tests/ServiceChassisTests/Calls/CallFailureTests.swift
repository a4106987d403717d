import Clocks
import HTTPCodec
import ServiceChassis
import Synchronization
import TestSupport
import Testing

@Suite("Calls to a service that fails", .timeLimit(.minutes(1)))
struct CallFailureTests {
    /// How a server fails.
    enum Fault: CaseIterable {
        case bare503, overloaded, dependencyUnavailable, outcomeUnknown, tooMany, internalError, timeoutOfItsOwn
        case cutBody, resetInBody, endOfStream, reset, late, refused

        /// Whether the service certainly did nothing, as far as its answer tells.
        func hasNoEffect(trusted: Bool) -> Bool {
            switch self {
            case .overloaded, .dependencyUnavailable, .tooMany, .refused: true
            case .bare503: trusted
            case .outcomeUnknown, .internalError, .timeoutOfItsOwn, .cutBody, .resetInBody, .endOfStream, .reset, .late:
                false
            }
        }
    }

    enum Kind: CaseIterable {
        case get, post, keyedPost

        var request: ServiceRequest {
            switch self {
            case .get: .get
            case .post: .post
            case .keyedPost: .keyedPost
            }
        }
    }

    /// Long enough to be looked at in vain some times while the clock stands still.
    private static let attemptTimeout = Duration.milliseconds(20)

    private static func handler(_ fault: Fault, _ time: TestTime) -> Neighbour.Handler {
        { _, _ in
            switch fault {
            case .bare503: return .plain(503)
            case .overloaded: return ProblemDetails(.overloaded).response()
            case .dependencyUnavailable: return ProblemDetails(.dependencyUnavailable).response()
            case .outcomeUnknown: return ProblemDetails(.outcomeUnknown).response()
            case .tooMany: return ProblemDetails(.tooManyRequests).response()
            case .internalError: return .plain(500)
            case .timeoutOfItsOwn: return .plain(504)
            case .cutBody: return .plain(200).abort(after: .bytes(3), reset: false)
            case .resetInBody: return .plain(200).abort(after: .bytes(3), reset: true)
            case .endOfStream, .refused: return .abort(reset: false)
            case .reset: return .abort(reset: true)
            case .late:
                time.advance(by: attemptTimeout)
                try? await Gate().wait()
                return .plain(200)
            }
        }
    }

    private static func configuration(trusted: Bool) -> ServiceCaller.Configuration {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.trustsContract = trusted
        configuration.attemptTimeout = attemptTimeout
        // A second is what our own problems name; here it is not to be waited for.
        configuration.retry.maximumRetryAfter = .seconds(2)
        return configuration
    }

    @Test(
        "while it fails: what is sent again, what the caller is told, what is counted",
        arguments: Fault.allCases, Kind.allCases)
    func persistent(fault: Fault, kind: Kind) async throws {
        for trusted in [true, false] {
            let time = TestTime()
            let neighbour = Neighbour(time, Self.handler(fault, time))
            let isThere = fault != .refused
            try await CallBench.with(
                isThere ? [neighbour] : [], away: isThere ? [] : [neighbour], Self.configuration(trusted: trusted)
            ) { bench in
                let outcome = await bench.keepingWaits { await bench.send(kind.request) }
                expect(bench, neighbour, outcome, fault, kind, trusted)
            }
        }
    }

    private func expect(
        _ bench: CallBench, _ neighbour: Neighbour, _ outcome: CallBench.Outcome, _ fault: Fault, _ kind: Kind,
        _ trusted: Bool
    ) {
        let hasNoEffect = kind == .get || fault.hasNoEffect(trusted: trusted)
        let isRepeated = kind != .post || hasNoEffect
        #expect(outcome.kind == (hasNoEffect ? "unavailable" : "outcome-unknown"))
        #expect(outcome.error?.hadNoEffect == hasNoEffect)
        #expect(outcome.error?.problem.type == (hasNoEffect ? .dependencyUnavailable : .outcomeUnknown))
        #expect(outcome.retryAfter != nil)

        #expect(neighbour.requests.count == (fault == .refused ? 0 : isRepeated ? 3 : 1))
        #expect(Set(neighbour.requests.map(\.body)).count <= 1)
        let keys = Set(neighbour.requests.map { $0.fields["Idempotency-Key"] })
        #expect(keys.isSubset(of: kind == .keyedPost ? ["key-1"] : [nil]))

        #expect(bench.attempts(2) == (isRepeated ? 1 : 0))
        #expect(bench.attempts(3) == (isRepeated ? 1 : 0))
        #expect(bench.attempts(4) == 0)
        #expect(bench.suppressed == 0)
        #expect(bench.calls(.failure) == 1)
        // To be asked too often says that it works.
        #expect(bench.breaker("closed", fault == .tooMany ? "success" : "failure") == 1)
        #expect(bench.isHealthy == (fault == .tooMany))
        #expect(bench.budget.snapshot.withdrawn == (isRepeated ? 2 : 0))
    }

    @Test(
        "after one failure: who may be sent again gets the answer, who may not is told that nobody knows",
        arguments: Fault.allCases.filter { $0 != .refused }, Kind.allCases)
    func once(fault: Fault, kind: Kind) async throws {
        let time = TestTime()
        let failing = Self.handler(fault, time)
        let neighbour = Neighbour(time) { request, number in
            number == 1 ? await failing(request, number) : .plain(201)
        }
        try await CallBench.with([neighbour], Self.configuration(trusted: true)) { bench in
            let outcome = await bench.keepingWaits { await bench.send(kind.request) }
            let isRepeated = kind != .post || fault.hasNoEffect(trusted: true)
            #expect(outcome.kind == (isRepeated ? "201" : "outcome-unknown"))
            #expect(neighbour.requests.count == (isRepeated ? 2 : 1))
            #expect(bench.attempts(2) == (isRepeated ? 1 : 0))
            #expect(bench.calls(isRepeated ? .success : .failure) == 1)
            #expect(bench.breaker("closed", isRepeated ? "success" : "failure") == 1)
            #expect(bench.isHealthy == isRepeated)
        }
    }

    @Test("work that was done before the connection was reset is done once, with a key by repeating, without by not")
    func doneAndLost() async throws {
        for kind in [Kind.post, .keyedPost] {
            let time = TestTime()
            let done = Mutex<[String?]>([])
            let neighbour = Neighbour(time) { request, number in
                let key = request.fields["Idempotency-Key"]
                done.withLock { if key == nil || !$0.contains(key) { $0.append(key) } }
                return number == 1 ? .plain(201).abort(reset: true) : .plain(201)
            }
            try await CallBench.with([neighbour]) { bench in
                let outcome = await bench.send(kind.request)
                #expect(outcome.kind == (kind == .keyedPost ? "201" : "outcome-unknown"))
                #expect(outcome.error?.hadNoEffect != true)
                #expect(done.withLock { $0.count } == 1)
            }
        }
    }

    @Test("a request without a key that certainly was not sent is sent once the service is there")
    func comesBack() async throws {
        let neighbour = Neighbour(TestTime())
        try await CallBench.with([], away: [neighbour], ServiceCaller.Configuration()) { bench in
            async let outcome = bench.send(.post)
            let next = try await bench.time.nextTimerScheduled()
            try neighbour.comeBack()
            bench.time.advance(to: next)
            #expect(await outcome.kind == "200")
            #expect(neighbour.requests.count == 1)
            #expect(bench.attempts(2) == 1)
        }
    }

    @Test("an unknown outcome stays unknown, whatever a later attempt says")
    func staysUnknown() async throws {
        let neighbour = Neighbour(TestTime()) { _, number in
            number == 1 ? .abort(reset: true) : ProblemDetails(.overloaded).response()
        }
        var configuration = ServiceCaller.Configuration.prompt
        configuration.retry.maximumRetryAfter = .seconds(2)
        try await CallBench.with([neighbour], configuration) { bench in
            let outcome = await bench.keepingWaits { await bench.send(.keyedPost) }
            #expect(outcome.kind == "outcome-unknown")
            #expect(neighbour.requests.count == 3)
        }
    }

    @Test(
        "Retry-After is kept to, as seconds and as a date, from those who are asked too often and those who are down",
        arguments: [429, 503], ["2", "1.5", "Thu, 01 Jan 2026 00:00:02 GMT"])
    func retryAfter(status: Int, text: String) async throws {
        let neighbour = Neighbour(TestTime()) { _, number in
            number == 1 ? .plain(status, retryAfter: text) : .plain(200)
        }
        try await CallBench.with([neighbour]) { bench in
            #expect(await bench.keepingWaits { await bench.send(.post) }.kind == "200")
            let arrivals = neighbour.arrivals
            try #require(arrivals.count == 2)
            let waited = arrivals[0].duration(to: arrivals[1])
            let asked = Duration.milliseconds(text == "1.5" ? 1500 : 2000)
            #expect(waited >= asked && waited <= asked + .milliseconds(200))
            #expect(bench.attempts(2) == 1)
        }
    }

    @Test(
        "a longer Retry-After is not waited for but handed on, to the caller whole and to its client up to a minute",
        arguments: [
            ("7", .seconds(7), "7"), ("2.5", .milliseconds(2500), "3"), ("600", .seconds(600), "60"),
            ("Thu, 01 Jan 2026 00:00:30 GMT", .seconds(30), "30"),
        ] as [(String, Duration, String)])
    func handedOn(text: String, whole: Duration, told: String) async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(429, retryAfter: text) }
        try await CallBench.with([neighbour]) { bench in
            let outcome = await bench.send(.get)
            guard case .failed(.unavailable(_, _, let retryAfter)) = outcome else {
                Issue.record("\(outcome) says nothing of when to come back")
                return
            }
            #expect(retryAfter == whole)
            #expect(outcome.retryAfter == told)
            #expect(neighbour.requests.count == 1)
            #expect(bench.attempts(2) == 0 && bench.suppressed == 0)
        }
    }

    @Test("cancelling the caller ends the request at the service, and says nothing about its health")
    func cancelled() async throws {
        let (started, abandoned) = (Gate(), Gate())
        let neighbour = Neighbour(TestTime()) { _, _ in
            started.open()
            do { try await Gate().wait() } catch { abandoned.open() }
            return .plain(200)
        }
        try await CallBench.with([neighbour]) { bench in
            let call = Task { await bench.send(.keyedPost) }
            try await started.wait()
            call.cancel()
            #expect(await call.value.kind == "cancelled")
            try await abandoned.wait()
            #expect(neighbour.requests.count == 1)
            #expect(bench.calls(.cancelled) == 1)
            #expect(bench.breaker("closed", "neutral") == 1)
        }
    }
}

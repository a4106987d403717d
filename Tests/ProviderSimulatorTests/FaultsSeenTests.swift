import Clocks
import Glibc
import Testing

@testable import ProviderSimulator

/// Every fault as a client sees it, and what it leaves in the ledger.
@Suite("Faults, seen from a raw connection", .timeLimit(.minutes(2)))
struct FaultsSeenTests {
    @Test("an error without effect", arguments: [500, 502, 503])
    func error(status: Int) async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) {
                $0.errorRate = 1
                $0.errorStatuses = [status]
            }
            let answer = try await provider.charge("k")
            #expect(answer.status == status && answer.slug == "injected-fault")
            #expect((answer.field("Retry-After") == "1") == (status == 503))
            #expect(try await provider.charge(of: "k") == nil)
            #expect(provider.injected("charges", "error") == 1)
        }
    }

    @Test("an error although it was done")
    func errorAfter() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) {
                $0.errorAfterRate = 1
                $0.errorStatuses = [502]
            }
            #expect(try await provider.charge("k").status == 502)
            #expect(try await provider.charge(of: "k")?.status == .captured)
            #expect(provider.injected("charges", "error-after") == 1)
        }
    }

    @Test("a throttled request has no effect and says when to come back, in seconds")
    func throttledSeconds() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.bookings) {
                $0.throttleRate = 1
                $0.retryAfter = 7
            }
            let answer = try await provider.book("s")
            #expect(answer.status == 429 && answer.field("Retry-After") == "7")
            #expect(answer.slug == "too-many-requests")
            #expect(try await provider.booking(of: "s") == nil)
        }
    }

    @Test("a throttled request has no effect and says when to come back, as a date")
    func throttledDate() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.bookings) {
                $0.throttleRate = 1
                $0.retryAfter = 90
                $0.retryAfterForm = .date
            }
            let answer = try await provider.book("s")
            #expect(answer.status == 429 && answer.field("Retry-After") == "Thu, 01 Jan 2026 00:01:30 GMT")
        }
    }

    @Test("a reset connection, before anything was done")
    func reset() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) { $0.resetRate = 1 }
            let answer = try await provider.charge("k")
            #expect(answer.text == "" && answer.ending == ECONNRESET)
            #expect(try await provider.charge(of: "k") == nil)
            #expect(provider.injected("charges", "reset") == 1)
        }
    }

    @Test("an answer that is lost after the work was done")
    func lostAnswer() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.refunds) { $0.loseAnswerRate = 1 }
            _ = try await provider.charge("k")
            let answer = try await provider.ask("POST", "/v1/charges/k/reversal")
            #expect(answer.text == "" && answer.ending == 0)
            #expect(try await provider.charge(of: "k")?.status == .reversed)
            #expect(provider.injected("refunds", "lose-answer") == 1)
        }
    }

    @Test("a refusal can be lost like any other answer")
    func lostRefusal() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.queries) { $0.loseAnswerRate = 1 }
            #expect(try await provider.ask("GET", "/v1/charges/nobody").text == "")
        }
    }

    @Test("an answer that breaks off in its middle")
    func truncated() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) { $0.truncateRate = 1 }
            let answer = try await provider.charge("k")
            let whole = try #require(try await provider.charge(of: "k")).document.count
            #expect(answer.status == 201 && answer.field("Content-Length") == String(whole))
            #expect(answer.body.utf8.count == whole / 2 && answer.json == nil && answer.ending == 0)
        }
    }

    @Test("a request that hangs is never carried out, and closed at its bound")
    func hang() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) {
                $0.hangRate = 1
                $0.hangSeconds = 40
            }
            let client = try provider.open("POST", "/v1/charges", key: "k", body: ProviderFixture.chargeBody())
            let bound = try await provider.time.nextTimerScheduled()
            #expect(provider.time.now.duration(to: bound) == .seconds(40))
            provider.time.advance(to: bound)
            let answer = await client.readToEnd()
            #expect(answer.text == "" && answer.ending == 0)
            #expect(try await provider.charge(of: "k") == nil)
        }
    }

    @Test("a late answer to work that was done at once")
    func latencyAfter() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) { $0.latency = .fixed(seconds: 3) }
            let client = try provider.open("POST", "/v1/charges", key: "k", body: ProviderFixture.chargeBody())
            let bound = try await provider.time.nextTimerScheduled()
            #expect(provider.time.now.duration(to: bound) == .seconds(3))
            #expect(try await provider.charge(of: "k")?.status == .captured)
            provider.time.advance(to: bound)
            #expect(await client.readToEnd().status == 201)
        }
    }

    @Test("late work that is done although the client has gone")
    func latencyBefore() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.charges) {
                $0.latency = .fixed(seconds: 3)
                $0.latencyPlace = .before
            }
            let client = try provider.open("POST", "/v1/charges", key: "k", body: ProviderFixture.chargeBody())
            let bound = try await provider.time.nextTimerScheduled()
            client.reset()
            try await Self.wait { provider.server.statistics.abandoned == 1 }
            provider.faults.replace(by: FaultPlan(seed: 1))
            #expect(try await provider.charge(of: "k") == nil)
            // Busy: what was asked for is still under way.
            #expect(try await provider.ask("DELETE", "/control/ledger").status == 409)
            provider.time.advance(to: bound)
            try await Self.wait { try await provider.charge(of: "k") != nil }
            #expect(try await provider.charge(of: "k")?.status == .captured)
        }
    }

    @Test(
        "a read that lags says what its rules allow, and the truth when the time is over",
        arguments: FaultRules.Lie.allCases)
    func lying(lie: FaultRules.Lie) async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.queries) {
                $0.lyingStatusRate = 1
                $0.lies = [lie]
            }
            _ = try await provider.charge("k")
            let told = try await provider.ask("GET", "/v1/charges/k")
            switch lie {
            case .notFound: #expect(told.status == 404)
            case .pending: #expect(told.json?["status"]?.string == "pending")
            case .other: #expect(told.json?["status"]?.string == "declined")
            }
            #expect(try await provider.ask("GET", "/v1/charges").body.contains(#""status":"captured""#))
            #expect(provider.injected("queries", "lying-status") == 1)
            provider.time.advance(by: .seconds(2))
            #expect(try await provider.ask("GET", "/v1/charges/k").json?["status"]?.string == "captured")
        }
    }

    @Test("the control routes and other scopes are spared")
    func spared() async throws {
        try await ProviderFixture.run { provider async throws in
            provider.play(.all) { $0.resetRate = 1 }
            #expect(try await provider.charge("k").ending == ECONNRESET)
            #expect(try await provider.ask("GET", "/v1/charges/k").ending == ECONNRESET)
            #expect(try await provider.ask("GET", "/control/ledger").status == 200)
            provider.play(.charges) { $0.resetRate = 1 }
            #expect(try await provider.book("s").status == 201)
            #expect(try await provider.ask("POST", "/v1/charges/k/reversal").status == 200)
        }
    }

    /// Waits for what no event tells of, until the suite's time is over or ten seconds are.
    private static func wait(until isMet: () async throws -> Bool) async throws {
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(10))
        while try await !isMet() {
            guard time.now < deadline else { throw TookTooLong() }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private struct TookTooLong: Error {}
}

import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Telemetry
import Testing

@testable import ProviderSimulator

@Suite("Latency distributions")
struct LatencyDistributionTests {
    private static func samples(_ distribution: LatencyDistribution, count: Int = 20_000) -> [Double] {
        let random = SeededRandom(seed: 11)
        return (0..<count).map { _ in distribution.sample(random).inSeconds }
    }

    @Test("a fixed one is always the same")
    func fixed() {
        #expect(Set(Self.samples(.fixed(seconds: 0.25), count: 100)) == [0.25])
    }

    @Test("a uniform one fills its range evenly")
    func uniform() {
        let samples = Self.samples(.uniform(minimum: 1, maximum: 3))
        #expect(samples.allSatisfy { $0 >= 1 && $0 <= 3 })
        for quarter in 0..<4 {
            let share = Double(samples.count { Int(($0 - 1) * 2) == quarter }) / Double(samples.count)
            #expect(abs(share - 0.25) < 0.02)
        }
    }

    @Test("an exponential one has its mean, and the median that follows from it")
    func exponential() {
        let samples = Self.samples(.exponential(mean: 0.2, maximum: 60)).sorted()
        #expect(abs(samples.reduce(0, +) / Double(samples.count) - 0.2) < 0.01)
        #expect(abs(samples[samples.count / 2] - 0.2 * 0.6931) < 0.01)
    }

    @Test("a lognormal one has its mean, and the median that follows from its spread")
    func lognormal() {
        let samples = Self.samples(.lognormal(mean: 0.2, sigma: 0.8, maximum: 60)).sorted()
        #expect(abs(samples.reduce(0, +) / Double(samples.count) - 0.2) < 0.01)
        // mean · e^(−σ²/2)
        #expect(abs(samples[samples.count / 2] - 0.2 * 0.7261) < 0.01)
    }

    @Test("no sample is beyond the maximum", arguments: [0.0, 0.1, 60])
    func maximum(maximum: Double) {
        for distribution in [
            LatencyDistribution.exponential(mean: 30, maximum: maximum),
            .lognormal(mean: 30, sigma: 3, maximum: maximum),
        ] {
            #expect(Self.samples(distribution, count: 1000).allSatisfy { $0 >= 0 && $0 <= maximum })
        }
    }
}

@Suite("Fault rules")
struct FaultRulesTests {
    private static func decisions(_ rules: FaultRules, count: Int = 10_000, seed: UInt64 = 5) -> [FaultDecision] {
        let random = SeededRandom(seed: seed)
        return (0..<count).map { _ in rules.decide(random) }
    }

    @Test("without rates nothing happens")
    func none() {
        #expect(Self.decisions(FaultRules(), count: 1000).allSatisfy { $0 == .none })
    }

    @Test("a rate of 1 happens always, and the outcome is that of the rule")
    func always() {
        func expect(_ change: (inout FaultRules) -> Void, _ expected: (FaultDecision) -> Bool) {
            var rules = FaultRules()
            change(&rules)
            let odd = Self.decisions(rules, count: 1000).filter { !expected($0) }
            #expect(odd.isEmpty)
        }
        expect({
            $0.hangRate = 1; $0.hangSeconds = 2.5
        }) { $0.refusal == .hang(.milliseconds(2500)) }
        expect({
            $0.throttleRate = 1; $0.retryAfter = 7; $0.retryAfterForm = .date
        }) {
            $0.refusal == .throttle(retryAfter: 7, .date)
        }
        expect({ $0.resetRate = 1 }) { $0.refusal == .reset }
        expect({
            $0.errorRate = 1; $0.errorStatuses = [502]
        }) { $0.refusal == .error(502) }
        expect({
            $0.errorAfterRate = 1; $0.errorStatuses = [500]
        }) { $0.mishap == .error(500) && $0.refusal == nil }
        expect({ $0.loseAnswerRate = 1 }) { $0.mishap == .loseAnswer }
        expect({ $0.truncateRate = 1 }) { $0.mishap == .truncate }
        expect({ $0.latency = .fixed(seconds: 1) }) { $0.latencyAfter == .seconds(1) && $0.latencyBefore == .zero }
        expect({
            $0.latency = .fixed(seconds: 1); $0.latencyPlace = .before
        }) {
            $0.latencyBefore == .seconds(1) && $0.latencyAfter == .zero
        }
    }

    @Test("rates are shares, and one rate does not move another's")
    func shares() {
        var rules = FaultRules()
        rules.errorRate = 0.2
        let alone = Self.decisions(rules)
        let share = Double(alone.count { $0.refusal != nil }) / Double(alone.count)
        #expect(abs(share - 0.2) < 0.02)
        rules.truncateRate = 0.5
        rules.latency = .exponential(mean: 1, maximum: 2)
        let together = Self.decisions(rules)
        #expect(alone.map(\.refusal) == together.map(\.refusal))
        let statuses = Set(alone.compactMap(\.refusal))
        #expect(statuses == [.error(500), .error(502), .error(503)])
    }

    @Test("the same seed plays the same faults, another one others")
    func seeded() {
        var rules = FaultRules()
        rules.errorRate = 0.5
        #expect(Self.decisions(rules, count: 100) == Self.decisions(rules, count: 100))
        #expect(Self.decisions(rules, count: 100) != Self.decisions(rules, count: 100, seed: 6))
    }

    @Test("a scope's own rules count for it alone, those for all for the others")
    func scopes() {
        var plan = FaultPlan(seed: 1)
        plan.scopes[.all] = FaultRules()
        plan.scopes[.all]?.resetRate = 1
        plan.scopes[.charges] = FaultRules()
        #expect(plan.rules(for: .charges)?.resetRate == 0)
        #expect(plan.rules(for: .bookings)?.resetRate == 1 && plan.rules(for: .webhooks)?.resetRate == 1)
        #expect(FaultPlan(seed: 1).rules(for: .charges) == nil)
    }

    @Test("what happens in one scope does not move the chances of another")
    func independent() {
        func draws(between: Int) -> [FaultDecision] {
            let faults = FaultSwitch(service: "test", registry: MetricsRegistry(), seed: 0)
            var plan = FaultPlan(seed: 3)
            plan.scopes[.all] = FaultRules()
            plan.scopes[.all]?.errorRate = 0.5
            faults.replace(by: plan)
            return (0..<50).map { _ in
                for _ in 0..<between { _ = faults.decide(.queries) }
                return faults.decide(.charges)
            }
        }
        #expect(draws(between: 0) == draws(between: 3))
    }
}

@Suite("Fault plan as JSON")
struct FaultPlanTests {
    private static func read(_ text: String) throws -> FaultPlan {
        try JSONDocument(parsing: Array(text.utf8)).decode { FaultPlan(&$0, drawnSeed: 77) }
    }

    private static func problems(_ text: String) -> [String] {
        do {
            _ = try read(text)
            return []
        } catch JSONError.invalid(let problems) {
            return problems.map(\.pointer)
        } catch {
            return ["\(error)"]
        }
    }

    @Test("the documented example is read, and what is written is read as the same")
    func roundTrip() throws {
        let plan = try Self.read(
            """
            {"seed":42,
             "charges":{"latency":{"distribution":"lognormal","mean":0.2,"sigma":0.8,"maximum":5},"latencyPlace":"after",
                        "errorRate":0.1,"errorStatuses":[500,502,503],"errorAfterRate":0.02,
                        "throttleRate":0.05,"retryAfter":2,"retryAfterForm":"seconds",
                        "resetRate":0.02,"loseAnswerRate":0.02,"truncateRate":0.01,"hangRate":0.01,"hangSeconds":30},
             "queries":{"lyingStatusRate":0.3,"lyingSeconds":2,"lies":["pending","not-found"]},
             "webhooks":{"duplicateWebhookRate":0.2,"loseWebhookRate":0.0,
                         "webhookDelay":{"distribution":"uniform","minimum":0,"maximum":3}},
             "bookings":{"latency":{"distribution":"exponential","mean":1,"maximum":2}},
             "refunds":{"latency":{"distribution":"fixed","seconds":1.5}},
             "all":{"resetRate":0.5,"lyingStatusRate":0.1,"duplicateWebhookRate":0.1}}
            """)
        #expect(plan.seed == 42 && plan.scopes.count == 6)
        #expect(plan.scopes[.charges]?.latency == .lognormal(mean: 0.2, sigma: 0.8, maximum: 5))
        #expect(plan.scopes[.charges]?.retryAfter == 2 && plan.scopes[.queries]?.lyingStatusRate == 0.3)
        #expect(try Self.read(String(decoding: plan.document, as: UTF8.self)) == plan)
    }

    @Test("an empty plan has no faults, and the seed that was drawn for it")
    func empty() throws {
        #expect(try Self.read("{}") == FaultPlan(seed: 77))
    }

    @Test(
        "everything that is wrong is named",
        arguments: [
            (#"{"seed":-1,"nobody":{}}"#, ["#/seed", "#/nobody"]),
            (#"{"charges":{"errorRate":1.1,"resetRate":"x"}}"#, ["#/charges/resetRate", "#/charges/errorRate"]),
            (#"{"charges":{"lyingStatusRate":0.1}}"#, ["#/charges/lyingStatusRate"]),
            (#"{"webhooks":{"errorRate":0.1}}"#, ["#/webhooks/errorRate"]),
            (#"{"queries":{"webhookDelay":{"distribution":"fixed","seconds":1}}}"#, ["#/queries/webhookDelay"]),
            (#"{"all":{"errorStatuses":[]}}"#, ["#/all/errorStatuses"]),
            (#"{"all":{"errorStatuses":[404]}}"#, ["#/all/errorStatuses/0"]),
            (#"{"all":{"hangSeconds":301,"retryAfter":1.5}}"#, ["#/all/hangSeconds", "#/all/retryAfter"]),
            (#"{"all":{"latency":{"distribution":"fixed","seconds":61}}}"#, ["#/all/latency/seconds"]),
            (
                #"{"all":{"latency":{"distribution":"fixed","mean":1}}}"#,
                ["#/all/latency/seconds", "#/all/latency/mean"]
            ),
            (
                #"{"all":{"latency":{"distribution":"uniform","minimum":2,"maximum":1}}}"#, ["#/all/latency/maximum"]
            ),
            (#"{"queries":{"lies":["truth"]}}"#, ["#/queries/lies/0"]),
        ] as [(String, [String])])
    func faults(text: String, pointers: [String]) {
        #expect(Self.problems(text) == pointers)
    }
}

@Suite("Reads that lag")
struct ReadLagTests {
    private static let changed = Timestamp(milliseconds: 1_767_225_600_000)

    private static func lag(_ rate: Double, seconds: Double = 2, lies: [FaultRules.Lie] = [.notFound]) -> ReadLag {
        var rules = FaultRules()
        rules.lyingStatusRate = rate
        rules.lyingSeconds = seconds
        rules.lies = lies
        return ReadLag(rules: rules, seed: 1)
    }

    @Test("without a rate every read tells the truth")
    func truth() {
        for key in 0..<100 {
            #expect(Self.lag(0).lie(about: "\(key)", changed: Self.changed, now: Self.changed) == nil)
        }
    }

    @Test("a lie ends for good within its time, after which every read tells the truth")
    func bounded() {
        for key in 0..<200 {
            let lag = Self.lag(1)
            let told = stride(from: 0, through: 3000, by: 50).map { milliseconds in
                lag.lie(
                    about: "\(key)", changed: Self.changed,
                    now: Self.changed.advanced(by: .milliseconds(milliseconds))) != nil
            }
            #expect(told.first == true && told[40...].allSatisfy { !$0 })
            #expect(zip(told, told.dropFirst()).count { $0 != $1 } == 1, "it does not come back")
        }
    }

    @Test("the rate is the share of keys, and a key's next change is a new draw")
    func share() {
        let lag = Self.lag(0.3)
        let keys = (0..<5000).map { "key-\($0)" }
        func share(_ changed: Timestamp) -> [Bool] {
            keys.map { lag.lie(about: $0, changed: changed, now: changed) != nil }
        }
        let first = share(Self.changed)
        let second = share(Self.changed.advanced(by: .seconds(1)))
        #expect(abs(Double(first.count { $0 }) / 5000 - 0.3) < 0.03)
        #expect(abs(Double(zip(first, second).count { $0 && $1 }) / 5000 - 0.09) < 0.02)
    }

    @Test("a charge is shown as lies allow, and a tombstone as not there")
    func charge() {
        var fixture = LedgerFixture()
        let captured = fixture.charge("k").charge!
        #expect(captured.told(.notFound) == nil)
        #expect(captured.told(.pending)?.status == .pending && captured.told(.pending)?.captured == 0)
        #expect(captured.told(.other)?.status == .declined)
        let declined = fixture.charge("d", "tok_declined").charge!
        #expect(declined.told(.other)?.status == .captured && declined.told(.other)?.captured == 3998)
        let tombstone = fixture.reverse("t")!
        for lie in FaultRules.Lie.allCases { #expect(tombstone.told(lie) == nil) }
    }

    @Test("a booking has no undecided status: it is shown as not there, or as another")
    func booking() {
        var fixture = LedgerFixture()
        _ = fixture.book("s")
        let booking = fixture.ledger.bookings["s"]!
        #expect(booking.told(.pending) == nil && booking.told(.notFound) == nil)
        #expect(booking.told(.other)?.status == .refused)
    }
}

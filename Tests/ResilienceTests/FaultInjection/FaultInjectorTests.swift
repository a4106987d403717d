import Clocks
import Synchronization
import TestSupport
import Testing

@testable import Resilience

struct FaultInjectorTests {
    private let time = TestTime()
    private let log = EventLog()

    private func injector(_ rules: [FaultRule] = [], isEnabled: Bool = true) throws -> FaultInjector {
        let injector = FaultInjector(isEnabled: isEnabled, seed: 7, time: time, observer: log.observer)
        try injector.setRules(rules)
        return injector
    }

    private struct Answer: Equatable {
        var text: String
    }

    /// Makes a call that answers "own".
    private func call(
        _ injector: FaultInjector, _ operation: String = "charge", key: String? = nil
    ) async -> Guarded<Answer, ProviderDown> {
        await injector.call(
            operation, key: key,
            error: { $0 == "down" ? ProviderDown() : nil },
            outcome: { $0 == "declined" ? Answer(text: $0) : nil }
        ) { () async throws(ProviderDown) in Answer(text: "own") }
    }

    private func isOwn(_ result: Guarded<Answer, ProviderDown>) -> Bool {
        if case .success(Answer(text: "own")) = result { true } else { false }
    }

    private func rejection(_ result: Guarded<Answer, ProviderDown>) -> Rejection? {
        if case .rejected(let rejection) = result { rejection } else { nil }
    }

    /// Fails the test when it is asked.
    private struct NoTime: TimeSource {
        let isAsked = Counter()

        var now: MonotonicInstant {
            isAsked.add()
            return MonotonicInstant(nanoseconds: 0)
        }

        var wallNow: Timestamp { Timestamp(milliseconds: 0) }

        func sleep(until deadline: MonotonicInstant) async throws { isAsked.add() }
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)

        var count: Int { value.load(ordering: .relaxed) }

        func add() { value.add(1, ordering: .relaxed) }
    }

    @Test("without rules the call is all there is: no clock is read, nothing is reported")
    func off() async {
        let clock = NoTime()
        let injector = FaultInjector(isEnabled: true, seed: 1, time: clock, observer: log.observer)
        let before = clock.isAsked.count
        for _ in 0..<100 { #expect(isOwn(await call(injector))) }
        #expect(clock.isAsked.count == before)
        #expect(!injector.isActive && log.events.isEmpty && injector.counts.isEmpty)
    }

    @Test("an injector that is not enabled takes no rules")
    func disabled() async throws {
        let injector = try injector(isEnabled: false)
        #expect(throws: FaultInjectionError.disabled) { try injector.setRules([FaultRule("f", effect: .refusal)]) }
        #expect(!injector.isActive)
        #expect(isOwn(await call(injector)))
    }

    @Test("a refusal, an error and an outcome take the place of the call")
    func effects() async throws {
        let refusing = try injector([FaultRule("abort", effect: .refusal)])
        let refused = Rejection.faultInjected(operation: "charge", fault: "abort")
        #expect(rejection(await call(refusing)) == refused)
        #expect(log.events == [.faultInjected(operation: "charge", fault: "abort"), .rejected(refused)])

        guard case .failure(ProviderDown()) = await call(try injector([FaultRule("e", effect: .error("down"))])) else {
            return #expect(Bool(false))
        }
        guard
            case .success(Answer(text: "declined")) = await call(
                try injector([FaultRule("o", effect: .outcome("declined"))]))
        else { return #expect(Bool(false)) }
    }

    @Test(
        "a kind that the caller does not know is a refusal",
        arguments: [
            FaultRule.Effect.error("unknown"), .outcome("unknown"),
        ])
    func unknownKind(effect: FaultRule.Effect) async throws {
        let injector = try injector([FaultRule("odd", effect: effect)])
        #expect(rejection(await call(injector)) == .faultInjected(operation: "charge", fault: "odd"))
    }

    @Test("after the call, its answer is lost although it was made")
    func after() async throws {
        var rule = FaultRule("lost", effect: .error("down"))
        rule.moment = .after
        let injector = try injector([rule])
        let made = Counter()
        let result: Guarded<Int, ProviderDown> = await injector.call("charge", error: { _ in ProviderDown() }) {
            () async throws(ProviderDown) in
            made.add()
            return 1
        }
        guard case .failure = result else { return #expect(Bool(false)) }
        #expect(made.count == 1)
    }

    @Test("before the call, it is not made")
    func before() async throws {
        let injector = try injector([FaultRule("down", effect: .error("down"))])
        let made = Counter()
        _ = await injector.call("charge", error: { _ in ProviderDown() }) { () async throws(ProviderDown) in made.add()
        }
        #expect(made.count == 0)
    }

    @Test("a latency delays the call, and those of several rules add up; the first effect counts")
    func latency() async throws {
        let injector = try injector([
            FaultRule("slow", latency: .fixed(.milliseconds(300))),
            FaultRule("slower", latency: .fixed(.milliseconds(200)), effect: .error("down")),
            FaultRule("last", effect: .refusal),
        ])
        let start = time.now
        async let result = call(injector)
        let due = try await time.nextTimerScheduled()
        #expect(start.duration(to: due) == .milliseconds(500))
        time.advance(to: due)
        guard case .failure(ProviderDown()) = await result else { return #expect(Bool(false)) }
        #expect(log.events == ["slow", "slower", "last"].map { .faultInjected(operation: "charge", fault: $0) })
    }

    @Test("a delay ends at the deadline")
    func deadline() async throws {
        let injector = try injector([FaultRule("slow", latency: .fixed(.seconds(5)))])
        let now = time.now
        async let result = withDeadline(Deadline(after: .seconds(1), from: now)) { await call(injector) }
        let due = try await time.nextTimerScheduled()
        #expect(now.duration(to: due) == .seconds(1))
        time.advance(to: due)
        #expect(rejection(await result) == .deadlineExceeded(operation: "charge"))
    }

    @Test("a delay ends when the caller gives up")
    func cancelled() async throws {
        let injector = try injector([FaultRule("slow", latency: .fixed(.seconds(5)))])
        let task = Task { rejection(await call(injector)) }
        try await time.nextTimerScheduled()
        task.cancel()
        #expect(await task.value == .cancelled(bulkhead: "charge"))
        #expect(time.sleeperCount == 0)
    }

    @Test("a rule means the operations and keys it names, and no others")
    func matching() async throws {
        var rule = FaultRule("f", effect: .refusal)
        rule.operation = .prefix("payment.")
        rule.key = .exactly("order-1")
        let injector = try injector([rule])
        #expect(rejection(await call(injector, "payment.charge", key: "order-1")) != nil)
        #expect(isOwn(await call(injector, "payment.charge", key: "order-12")))
        #expect(isOwn(await call(injector, "payment.charge")))
        #expect(isOwn(await call(injector, "shipping.payment.", key: "order-1")))
        #expect(injector.counts == [FaultRuleCount(rule: rule, matched: 1, injected: 1)])
    }

    @Test("a rule ends after its number of injections, or when its time is over")
    func ends() async throws {
        var few = FaultRule("few", effect: .refusal)
        few.times = 3
        let limited = try injector([few])
        var refused = 0
        for _ in 0..<10 where rejection(await call(limited)) != nil { refused += 1 }
        #expect(refused == 3)
        #expect(limited.counts == [FaultRuleCount(rule: few, matched: 10, injected: 3)])

        var short = FaultRule("short", effect: .refusal)
        short.lasts = .seconds(60)
        let timed = try injector([short])
        time.advance(by: .nanoseconds(59_999_999_999))
        #expect(rejection(await call(timed)) != nil)
        time.advance(by: .nanoseconds(1))
        #expect(isOwn(await call(timed)))
    }

    @Test("all that is wrong is told at once, and then the rules are as before")
    func validation() async throws {
        let good = FaultRule("good", effect: .refusal)
        let injector = try injector([good])
        var bad = FaultRule("", rate: 1.5)
        bad.operation = .prefix("")
        bad.times = 0
        bad.lasts = .zero
        let rules = [
            bad, good, good, FaultRule("l", latency: .uniform(from: .seconds(2), to: .seconds(1)), effect: .error("")),
            FaultRule("m", latency: .exponential(mean: .seconds(1), cap: .seconds(601))),
        ]
        let error = #expect(throws: FaultInjectionError.self) { try injector.setRules(rules) }
        guard case .invalid(let faults) = error else { return #expect(Bool(false)) }
        #expect(faults.count == 10)
        #expect(rejection(await call(injector)) == .faultInjected(operation: "charge", fault: "good"))
        let many = (0...100).map { FaultRule("f\($0)", effect: .refusal) }
        #expect(throws: FaultInjectionError.invalid(["there are more than 100 rules"])) { try injector.setRules(many) }
        try injector.setRules([])
        #expect(!injector.isActive)
        #expect(isOwn(await call(injector)))
    }

    @Test("rules may change while calls are made")
    func concurrent() async throws {
        let refusals = Counter()
        let injector = FaultInjector(isEnabled: true, seed: 7, time: time) { event in
            if case .rejected = event { refusals.add() }
        }
        let rules = [FaultRule("half", rate: 0.5, effect: .refusal)]
        let made = await withTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var made = 0
                    for round in 0..<500 {
                        if number == 0 { try? injector.setRules(round % 2 == 0 ? rules : []) }
                        let result = await injector.call("o", key: "\(round)") { () async throws(Never) in 1 }
                        if case .success = result { made += 1 }
                    }
                    return made
                }
            }
            return await group.reduce(0, +)
        }
        #expect(made + refusals.count == 4000)
    }
}

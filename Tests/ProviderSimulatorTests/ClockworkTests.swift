import Clocks
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ProviderSimulator

/// Takes messages and says what it was told to say.
private final class RecordingSender: WebhookSender {
    private struct State {
        var sent: [WebhookEvent] = []
        var failures: Int
    }

    private let state: Mutex<State>

    /// - Parameter failures: how many attempts fail before one succeeds.
    init(failures: Int = 0) { state = Mutex(State(failures: failures)) }

    var sent: [WebhookEvent] { state.withLock { $0.sent } }

    func send(_ event: WebhookEvent) async -> Bool {
        state.withLock { state in
            state.sent.append(event)
            state.failures -= 1
            return state.failures < 0
        }
    }
}

@Suite("Clockwork", .timeLimit(.minutes(2)))
struct ClockworkTests {
    fileprivate struct Stage {
        let time = TestTime()
        let registry = MetricsRegistry()
        let sender: RecordingSender
        let keeper: LedgerKeeper
        let faults: FaultSwitch

        func text(_ result: String) -> String {
            let start = #"webhooks_total{service="test",result="\#(result)"} "#
            let text = String(decoding: registry.text(), as: UTF8.self)
            return text.split(separator: "\n").first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
                ?? "none"
        }

        func charge(_ key: String, _ token: String = "tok_ok") async throws {
            _ = try await keeper.change { $0.charge(LedgerFixture.order(key, token), at: $1, random: $2) }
        }

        /// Lets time pass from one planned moment to the next until the condition holds.
        func passTime(until isMet: () async throws -> Bool) async throws {
            while try await !isMet() { time.advance(to: try await time.nextTimerScheduled()) }
        }
    }

    fileprivate static func run(
        _ rules: LedgerRules = .telling, failures: Int = 0, _ body: (Stage) async throws -> Void
    ) async throws {
        let stage = Stage(failures: failures, rules)
        let clockwork = Clockwork(
            stage.keeper, sender: stage.sender, faults: stage.faults,
            metrics: SimulatorMetrics(service: "test", registry: stage.registry), time: stage.time, logger: .silent)
        let running = Task { try await clockwork.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body(stage)) } catch { result = .failure(error) }
        running.cancel()
        try await running.value
        try result.get()
    }

    @Test("a pending charge is captured by itself, and told once")
    func captures() async throws {
        try await Self.run { stage in
            try await stage.charge("k", "tok_pending")
            #expect(stage.sender.sent.isEmpty)
            let began = stage.time.wallNow
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty && $0.isAtRest } }
            #expect(stage.sender.sent.map(\.type) == ["charge.captured"])
            let captured = try #require(try await stage.keeper.read { $0.charges["k"] })
            #expect(began.duration(to: captured.updatedAt) >= .seconds(3))
            #expect(stage.text("delivered") == "1")
        }
    }

    @Test("a charge whose caller has gone is captured all the same")
    func slow() async throws {
        try await Self.run(LedgerRules()) { stage in
            try await stage.charge("k", "tok_slow")
            try await stage.passTime { try await stage.keeper.read { $0.charges["k"]?.status == .captured } }
        }
    }

    @Test("an attempt that fails is made again, with the same message, until it is taken")
    func retries() async throws {
        try await Self.run(failures: 4) { stage in
            try await stage.charge("k")
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            #expect(stage.sender.sent.count == 5)
            #expect(Set(stage.sender.sent.map(\.id)).count == 1 && Set(stage.sender.sent.map(\.body)).count == 1)
            #expect(stage.text("failed") == "4" && stage.text("delivered") == "1")
        }
    }

    @Test("after the last attempt a message is given up")
    func givesUp() async throws {
        var rules = LedgerRules.telling
        rules.webhookAttempts = 3
        try await Self.run(rules, failures: 100) { stage in
            try await stage.charge("k")
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            #expect(stage.sender.sent.count == 3)
            #expect(stage.text("failed") == "2" && stage.text("abandoned") == "1")
            #expect(try await stage.keeper.read { $0.sums.abandonedEvents } == 1)
        }
    }

    @Test("a message that is doubled comes twice, the same both times")
    func doubled() async throws {
        try await Self.run { stage in
            stage.faults.replace(by: Self.webhooks { $0.duplicateWebhookRate = 1 })
            try await stage.charge("k")
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            #expect(stage.sender.sent.count == 2 && Set(stage.sender.sent.map(\.body)).count == 1)
            #expect(stage.text("duplicate") == "1")
        }
    }

    @Test("a message that is lost never comes, and the ledger says so")
    func lost() async throws {
        try await Self.run { stage in
            stage.faults.replace(by: Self.webhooks { $0.loseWebhookRate = 1 })
            try await stage.charge("k")
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            #expect(stage.sender.sent.isEmpty && stage.text("abandoned") == "1")
        }
    }

    @Test("a message that is late comes once, not before its time, and later ones may overtake it")
    func late() async throws {
        try await Self.run { stage in
            stage.faults.replace(by: Self.webhooks { $0.webhookDelay = .fixed(seconds: 20) })
            try await stage.charge("late")
            let began = stage.time.wallNow
            try await stage.passTime {
                try await stage.keeper.read { $0.events.values.allSatisfy { $0.isPrepared } }
            }
            #expect(stage.sender.sent.isEmpty)
            stage.faults.replace(by: FaultPlan(seed: 1))
            try await stage.charge("soon")
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            let sent = stage.sender.sent.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(sent.count == 2 && sent[0].contains(#""key":"soon""#) && sent[1].contains(#""key":"late""#))
            #expect(began.duration(to: stage.time.wallNow) >= .seconds(20))
        }
    }

    @Test("hundreds of messages are all told, once each")
    func many() async throws {
        try await Self.run { stage in
            for number in 0..<300 { try await stage.charge("k\(number)") }
            try await stage.passTime { try await stage.keeper.read { $0.events.isEmpty } }
            #expect(stage.sender.sent.count == 300 && Set(stage.sender.sent.map(\.id)).count == 300)
        }
    }

    private static func webhooks(_ change: (inout FaultRules) -> Void) -> FaultPlan {
        var rules = FaultRules()
        change(&rules)
        return FaultPlan(seed: 1, scopes: [.webhooks: rules])
    }
}

extension ClockworkTests.Stage {
    init(failures: Int, _ rules: LedgerRules) {
        sender = RecordingSender(failures: failures)
        keeper = LedgerKeeper(
            Ledger(rules: rules), journal: nil, metrics: SimulatorMetrics(service: "test", registry: registry),
            time: time, random: SeededRandom(seed: 8))
        faults = FaultSwitch(service: "test", registry: registry, seed: 1)
    }
}

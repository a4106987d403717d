import Clocks
import Resilience
import TestSupport
import Testing

struct HedgeTests {
    private let time = TestTime()
    private let log = EventLog()
    private let calls = HeldCalls()

    private func budget(floor: Double = 100) -> RetryBudget {
        var configuration = RetryBudgetConfiguration()
        configuration.floorPerSecond = floor
        configuration.share = 0.5
        return RetryBudget(name: "inventory", configuration: configuration, time: time)
    }

    private func hedge(
        _ budget: RetryBudget? = nil, makesDeposits: Bool = false,
        _ change: (inout HedgeConfiguration) -> Void = { _ in }
    ) -> Hedge {
        var configuration = HedgeConfiguration()
        configuration.fallbackDelay = .milliseconds(100)
        change(&configuration)
        return Hedge(
            operation: "quote", safety: .safe, configuration: configuration, budget: budget ?? self.budget(),
            makesDeposits: makesDeposits, time: time, observer: log.observer)
    }

    private func start(_ hedge: Hedge) -> Task<Int, any Error> {
        Task { [calls] in try await hedge.call { try await calls.run($0) } }
    }

    /// Waits for the delay to begin, and lets it pass.
    private func passDelay() async throws {
        time.advance(to: try await time.nextTimerScheduled())
    }

    @Test("a call that answers before the delay stays alone, and leaves nothing behind")
    func fast() async throws {
        let task = start(hedge())
        try await time.nextTimerScheduled()
        await calls.end(1, .success(7))
        #expect(try await task.value == 7)
        #expect(calls.begun == [1] && time.sleeperCount == 0 && log.events.isEmpty)
    }

    @Test("a slow call gets a rival after the delay; who answers first wins, the other is cancelled and waited for")
    func rival() async throws {
        let budget = budget()
        let task = start(hedge(budget))
        let end = try await time.nextTimerScheduled()
        #expect(time.now.duration(to: end) == .milliseconds(100))
        time.advance(to: end)
        await calls.end(2, .success(22))
        #expect(try await task.value == 22)
        #expect(calls.cancelled == [1] && calls.underWay == 0)
        #expect(budget.snapshot.withdrawn == 1)
        #expect(
            log.events == [
                .hedgeStarted(operation: "quote", attempt: 2, delay: .milliseconds(100)),
                .hedgeWon(operation: "quote", attempt: 2),
            ])
    }

    @Test("the first may still win after its rival has begun")
    func firstWins() async throws {
        let task = start(hedge())
        try await passDelay()
        await until { calls.underWay == 2 }
        await calls.end(1, .success(11))
        #expect(try await task.value == 11)
        #expect(calls.cancelled == [2])
        #expect(log.events.last == .hedgeWon(operation: "quote", attempt: 1))
    }

    @Test("a failure before the delay is the answer at once: that is the retry's business")
    func earlyFailure() async throws {
        let task = start(hedge())
        await calls.end(1, .failure(ProviderDown()))
        await #expect(throws: ProviderDown()) { try await task.value }
        #expect(calls.begun == [1] && time.sleeperCount == 0 && log.events.isEmpty)
    }

    @Test("a failure is not the answer while the rival may do better")
    func lateFailure() async throws {
        let task = start(hedge())
        try await passDelay()
        await until { calls.underWay == 2 }
        await calls.end(1, .failure(ProviderDown()))
        await calls.end(2, .success(22))
        #expect(try await task.value == 22)
        #expect(calls.cancelled.isEmpty)
    }

    @Test("when all fail, the last failure is the answer")
    func allFail() async throws {
        struct Other: Error {}
        let task = start(hedge())
        try await passDelay()
        await until { calls.underWay == 2 }
        await calls.end(2, .failure(ProviderDown()))
        await until { calls.underWay == 1 }
        await calls.end(1, .failure(Other()))
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(log.events.count == 1)
    }

    @Test("a bad answer is no win either, as the caller classifies it")
    func classified() async throws {
        let (hedge, calls) = (hedge(), calls)
        let task = Task {
            try await hedge.call(classify: { (try? $0.get()) == 503 ? .failure : .success }) { try await calls.run($0) }
        }
        try await passDelay()
        await until { calls.underWay == 2 }
        await calls.end(1, .success(503))
        await calls.end(2, .success(200))
        #expect(try await task.value == 200)
    }

    @Test("without budget there is no rival: the first goes on alone")
    func suppressed() async throws {
        let task = start(hedge(budget(floor: 0)) { $0.maximumExtraCalls = 3 })
        try await passDelay()
        await until { !log.events.isEmpty }
        await calls.end(1, .success(11))
        #expect(try await task.value == 11)
        #expect(calls.begun == [1] && time.sleeperCount == 0)
        #expect(log.events == [.hedgeSuppressed(operation: "quote")])
    }

    @Test("further rivals follow one another at the delay, as many as are allowed")
    func several() async throws {
        let task = start(hedge { $0.maximumExtraCalls = 2 })
        try await passDelay()
        try await passDelay()
        await until { calls.underWay == 3 }
        #expect(time.sleeperCount == 0)
        await calls.end(3, .success(33))
        #expect(try await task.value == 33)
        #expect(calls.cancelled == [1, 2])
    }

    @Test("no rival begins at or after the deadline", arguments: [100, 101])
    func deadline(milliseconds: Int) async throws {
        let (hedge, calls, time) = (hedge(), calls, time)
        let task = Task {
            try await withDeadline(Deadline(after: .milliseconds(milliseconds), from: time.now)) {
                try await hedge.call { try await calls.run($0) }
            }
        }
        if milliseconds == 101 { try await passDelay() }
        await until { calls.underWay == milliseconds - 99 }
        #expect(time.sleeperCount == 0)
        await calls.end(1, .success(11))
        #expect(try await task.value == 11)
    }

    @Test("a delay that took until the deadline is not followed by a rival")
    func overslept() async throws {
        let (hedge, calls, time) = (hedge(), calls, time)
        let task = Task {
            try await withDeadline(Deadline(after: .milliseconds(150), from: time.now)) {
                try await hedge.call { try await calls.run($0) }
            }
        }
        try await time.nextTimerScheduled()
        time.advance(by: .milliseconds(150))
        for _ in 0..<100 { await Task.yield() }
        await calls.end(1, .success(11))
        #expect(try await task.value == 11)
        #expect(calls.begun == [1] && log.events.isEmpty)
    }

    @Test("cancelling the caller cancels all calls and the delay, and none is begun any more")
    func cancelled() async throws {
        let budget = budget()
        let task = start(hedge(budget) { $0.maximumExtraCalls = 2 })
        try await passDelay()
        try await time.nextTimerScheduled()
        await until { calls.underWay == 2 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(calls.cancelled == [1, 2] && calls.underWay == 0 && time.sleeperCount == 0)
        #expect(calls.begun.count == 2 && budget.snapshot.withdrawn == 1)
    }

    @Test("rivals see the task's deadline and other task-locals")
    func taskLocals() async throws {
        let (hedge, time) = (hedge(), time)
        let deadline = Deadline(after: .seconds(5), from: time.now)
        let task = Task {
            try await withDeadline(deadline) {
                try await hedge.call { (attempt) async throws -> Deadline? in
                    if attempt == 1 { try await time.sleep(for: .seconds(60)) }
                    return Deadline.current
                }
            }
        }
        while time.sleeperCount < 2 { try await time.nextTimerScheduled() }
        time.advance(by: .milliseconds(100))
        #expect(try await task.value == deadline)
    }

    @Test("good answers earn only where no retry around it does so", arguments: [false, true])
    func deposits(makesDeposits: Bool) async throws {
        let budget = budget(floor: 0)
        let hedge = hedge(budget, makesDeposits: makesDeposits)
        #expect(await hedge.call { $0 } == 1)
        await #expect(throws: ProviderDown()) {
            try await hedge.call { (_) async throws(ProviderDown) in throw ProviderDown() }
        }
        #expect(budget.balance == (makesDeposits ? 0.5 : 0))
    }

    @Test("a call that may not be made twice at a time cannot be hedged")
    func unsafe() async {
        await #expect(processExitsWith: .failure) {
            let time = SystemTime()
            _ = Hedge(
                operation: "charge", safety: .unsafe, budget: RetryBudget(name: "payment", time: time), time: time)
        }
        await #expect(processExitsWith: .failure) {
            let time = SystemTime()
            _ = Hedge(
                operation: "cancel", safety: .idempotent, budget: RetryBudget(name: "payment", time: time), time: time)
        }
    }
}

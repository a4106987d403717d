import Clocks
import TestSupport
import Testing

@testable import Resilience

struct TimeoutTests {
    private let time = TestTime()
    private let log = EventLog()

    private var timeout: Timeout {
        Timeout(operation: "charge", limit: .seconds(2), time: time, observer: log.observer)
    }

    /// Waits until a sleep until `deadline` has begun.
    private func sleepBegins(until deadline: MonotonicInstant) async throws {
        while try await time.nextTimerScheduled() != deadline {}
    }

    @Test("a call within the limit is left alone")
    func inTime() async throws {
        #expect(try await timeout.call { 7 }.get() == 7)
        await #expect(throws: ProviderDown()) { try await timeout.call { throw ProviderDown() }.get() }
    }

    @Test("a call past the limit is cancelled and refused")
    func tooLong() async throws {
        let begin = time.now
        let timeout = timeout
        let time = time
        async let answer = timeout.call { try await time.sleep(for: .seconds(60)) }
        try await sleepBegins(until: begin.advanced(by: .seconds(60)))
        time.advance(by: .seconds(2))
        let rejection = Rejection.timedOut(operation: "charge", limit: .seconds(2))
        guard case .rejected(rejection) = await answer else { return #expect(Bool(false)) }
        #expect(log.events == [.rejected(rejection)])
    }

    @Test("an earlier deadline of the task counts instead of the limit, and is passed on")
    func outerDeadline() async throws {
        let outer = Deadline(after: .seconds(1), from: time.now)
        let answer = await withDeadline(outer) { await timeout.call { Deadline.current } }
        #expect(try answer.get() == outer)
        let own = try await timeout.call { Deadline.current }.get()
        #expect(own == Deadline(after: .seconds(2), from: time.now))
    }

    @Test("past its deadline a call is not even begun")
    func passedDeadline() async {
        let answer: Guarded<Int, any Error> = await withDeadline(Deadline(at: time.now)) {
            await timeout.call {
                Issue.record("the call was made")
                return 7
            }
        }
        guard case .rejected(.deadlineExceeded) = answer else { return #expect(Bool(false)) }
    }

    @Test("cancelling the caller cancels the call, and is not a timeout")
    func cancelled() async throws {
        let begin = time.now
        let (timeout, time) = (timeout, time)
        let task = Task { await timeout.call { try await time.sleep(for: .seconds(60)) } }
        try await sleepBegins(until: begin.advanced(by: .seconds(60)))
        task.cancel()
        guard case .failure(let error) = await task.value else { return #expect(Bool(false)) }
        #expect(error is CancellationError)
    }

    @Test("a call that ends at once stays on its thread, and leaves nothing behind")
    func endsAtOnce() async throws {
        let timeout = timeout
        for _ in 0..<100 { #expect(try await timeout.call { 7 }.get() == 7) }
        #expect(timeout.timer.pending == 0)
        let isDeadlineGone = Deadline.current == nil
        #expect(isDeadlineGone)
    }

    @Test(
        "a call that computes without ever suspending is cancelled too when its time is over", .timeLimit(.minutes(5)))
    func computing() async throws {
        let (timeout, time) = (timeout, time)
        let begun = Gauge()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let answer: Guarded<Void, any Error> = await timeout.call {
                    begun.up()
                    while !Task.isCancelled {}
                    throw CancellationError()
                }
                guard case .rejected(.timedOut) = answer else { return #expect(Bool(false)) }
            }
            group.addTask {
                while begun.value == 0 { await Task.yield() }
                _ = try? await time.nextTimerScheduled()
                time.advance(by: .seconds(2))
            }
        }
        #expect(timeout.timer.pending == 0)
    }

    @Test("a caller that was cancelled before has its call cancelled from the start")
    func cancelledBefore() async {
        let timeout = timeout
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await timeout.call { Task.isCancelled }
        }
        guard case .success(true) = await task.value else { return #expect(Bool(false)) }
        #expect(timeout.timer.pending == 0)
    }

    @Test("the caller is not cancelled by its call's timeout, nor is what it calls next")
    func callerGoesOn() async throws {
        let (timeout, time) = (timeout, time)
        let end = time.now.advanced(by: .seconds(60))
        async let answers = [
            timeout.call { try await time.sleep(until: end) },
            timeout.call { if Task.isCancelled { throw ProviderDown() } },
        ]
        try await sleepBegins(until: end)
        time.advance(by: .seconds(2))
        let both = await answers
        guard case .rejected = both[0], case .success = both[1] else { return #expect(Bool(false)) }
    }

    @Test("a value that comes after the time is an answer all the same")
    func lateValue() async throws {
        let (timeout, time) = (timeout, time)
        let answer = await timeout.call {
            time.advance(by: .seconds(5))
            return 7
        }
        #expect(try answer.get() == 7)
    }

    @Test("what a task carries is seen by the call")
    func taskLocals() async throws {
        enum Local { @TaskLocal static var tenant = "nobody" }
        let timeout = timeout
        let seen = await Local.$tenant.withValue("acme") { await timeout.call { Local.tenant } }
        #expect(try seen.get() == "acme")
    }
}

/// The cheaper way, for calls that obey their deadline.
struct TimeoutByDeadlineTests {
    private let time = TestTime()
    private let log = EventLog()

    private var timeout: Timeout {
        Timeout(operation: "charge", limit: .seconds(2), time: time, observer: log.observer)
    }

    @Test("the call has the limit as its deadline, or the task's own if that is earlier")
    func deadline() async {
        let timeout = timeout
        let own = await timeout.callByDeadline { () async throws(Never) in Deadline.current }
        guard case .success(Deadline(after: .seconds(2), from: time.now)) = own else { return #expect(Bool(false)) }
        let outer = Deadline(after: .seconds(1), from: time.now)
        let inner = await withDeadline(outer) {
            await timeout.callByDeadline { () async throws(Never) in Deadline.current }
        }
        guard case .success(outer) = inner else { return #expect(Bool(false)) }
        #expect(timeout.timer.pending == 0)
    }

    @Test("an error after the end is a timeout, an error before it is the call's own, a value is always the answer")
    func answers() async {
        let (timeout, time) = (timeout, time)
        let failed: Guarded<Int, ProviderDown> = await timeout.callByDeadline { () async throws(ProviderDown) in
            throw ProviderDown()
        }
        guard case .failure(ProviderDown()) = failed else { return #expect(Bool(false)) }
        let late: Guarded<Int, ProviderDown> = await timeout.callByDeadline { () async throws(ProviderDown) in
            time.advance(by: .seconds(2))
            throw ProviderDown()
        }
        let rejection = Rejection.timedOut(operation: "charge", limit: .seconds(2))
        guard case .rejected(rejection) = late else { return #expect(Bool(false)) }
        #expect(log.events == [.rejected(rejection)])
        let value = await timeout.callByDeadline { () async throws(Never) in
            time.advance(by: .seconds(2))
            return 7
        }
        guard case .success(7) = value else { return #expect(Bool(false)) }
    }

    @Test("past the task's deadline the call is not even begun")
    func passed() async {
        let timeout = timeout
        let answer: Guarded<Int, Never> = await withDeadline(Deadline(at: time.now)) {
            await timeout.callByDeadline { () async throws(Never) in
                Issue.record("the call was made")
                return 7
            }
        }
        guard case .rejected(.deadlineExceeded) = answer else { return #expect(Bool(false)) }
    }

    @Test("the call keeps the caller's isolation")
    func isolation() async {
        actor Caller {
            func ask(_ timeout: Timeout) async -> Guarded<Int, Never> {
                await timeout.callByDeadline { () async throws(Never) in
                    assertIsolated()
                    return 7
                }
            }
        }
        guard case .success(7) = await Caller().ask(timeout) else { return #expect(Bool(false)) }
    }
}

import Clocks
import Resilience
import TestSupport
import Testing

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
}

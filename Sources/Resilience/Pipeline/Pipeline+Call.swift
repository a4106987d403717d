import Clocks

// A good call under all policies should cost little more than their sum: so there are few functions on its way, and
// what only a failed or waiting call needs is kept out of them.

extension Pipeline {
    /// Makes the call under all policies.
    ///
    /// It runs where its caller does. Work whose deadline has passed is not begun. Cancelling the caller's task ends waits
    /// and delays at once; the call itself has to obey it.
    ///
    /// - Parameters:
    ///   - priority: How much it matters, where an adaptive limit has to choose.
    ///   - report: What a result says.
    ///   - body: One attempt, given its number from 1.
    /// - Returns: The last attempt's result, or the refusal of the policy that ended the call.
    @inlinable
    nonisolated(nonsending) public func call<Value, Failure: Error>(
        priority: CallPriority = .normal,
        report: (Result<Value, Failure>) -> CallReport = CallReport.standard,
        _ body: (_ attempt: Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        if isTimedOrLimited || Deadline.current != nil { return await underDeadline(priority, report, body) }
        return await admitted(report, body)
    }

    /// Under the earlier of the total timeout and the caller's deadline, unless that has passed.
    @inlinable @inline(never)
    nonisolated(nonsending) func underDeadline<Value, Failure: Error>(
        _ priority: CallPriority, _ report: (Result<Value, Failure>) -> CallReport,
        _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        let outer = Deadline.current
        guard outer != nil || totalTimeout != nil else { return await limited(priority, report, body) }
        let now = time.now
        if let outer, outer.hasPassed(at: now) { return .rejected(refused(.deadlineExceeded(operation: name))) }
        guard let totalTimeout else { return await limited(priority, report, body) }
        let own = Deadline(after: totalTimeout, from: now)
        return await Deadline.$current.withValue(
            min(own, outer ?? own), operation: { await limited(priority, report, body) })
    }

    /// With the leave of the adaptive limit, which learns how long the call took and whether it was good.
    @inlinable @inline(never)
    nonisolated(nonsending) func limited<Value, Failure: Error>(
        _ priority: CallPriority, _ report: (Result<Value, Failure>) -> CallReport,
        _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        guard let concurrencyLimit else { return await admitted(report, body) }
        switch concurrencyLimit.admit(priority) {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .permitted(let permit):
            let result = await admitted(report, body)
            permit.finish(Self.load(result, report))
            return result
        }
    }

    /// With the leave of the rate limit, the bulkhead and the breaker, which learns what came of it.
    @inlinable @inline(__always)
    nonisolated(nonsending) func admitted<Value, Failure: Error>(
        _ report: (Result<Value, Failure>) -> CallReport,
        _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        if let rate {
            if waitsForRate {
                if let rejection = await waitForRate() { return .rejected(rejection) }
            } else if case .rejected(_, let retryAfter) = rate._withUnsafeGuaranteedRef({ $0.tryAcquire() }) {
                return .rejected(.rateLimited(limiter: name, retryAfter: retryAfter))
            }
        }
        if let places, !places._withUnsafeGuaranteedRef({ $0.take() }), let rejection = await waitForPlace() {
            return .rejected(rejection)
        }
        var ticket = CircuitBreakerTicket()
        if let rejection = callBreaker?._withUnsafeGuaranteedRef({ $0.enter(&ticket) }) {
            places?._withUnsafeGuaranteedRef { $0.giveBack() }
            return .rejected(rejection)
        }
        var outcome = CallOutcome.neutral
        let result = await repeated(report, body, &outcome)
        callBreaker?._withUnsafeGuaranteedRef { $0.leave(ticket, outcome) }
        places?._withUnsafeGuaranteedRef { $0.giveBack() }
        return result
    }

    // After a wait the deadline may have come: then nothing is begun.

    @usableFromInline @inline(never)
    func waitForRate() async -> Rejection? {
        await rateLimiter?.acquire() ?? lateness
    }

    @usableFromInline @inline(never)
    func waitForPlace() async -> Rejection? {
        guard let bulkhead else { return nil }
        if let rejection = await bulkhead.takeLater() { return rejection }
        if let rejection = lateness {
            bulkhead.giveBack()
            return rejection
        }
        return nil
    }

    private var lateness: Rejection? {
        guard let deadline = Deadline.current, deadline.hasPassed(at: time.now) else { return nil }
        return refused(.deadlineExceeded(operation: name))
    }

    /// Attempts until one is good enough, or no further one may follow.
    @inlinable @inline(__always)
    nonisolated(nonsending) func repeated<Value, Failure: Error>(
        _ report: (Result<Value, Failure>) -> CallReport,
        _ body: (Int) async throws(Failure) -> Value, _ outcome: inout CallOutcome
    ) async -> Guarded<Value, Failure> {
        let startedAt = needsStart ? time.now : .distantFuture
        var schedule: RetrySchedule?
        var attempt = 1
        while true {
            let result: Guarded<Value, Failure>
            if hasPlainAttempts {
                do throws(Failure) {
                    result = .success(try await body(attempt))
                } catch {
                    result = .failure(error)
                }
            } else {
                result = await attempted(attempt, report, body)
            }
            let said = Self.reported(result, report)
            outcome = said.outcome
            switch said.retry {
            case .accept:
                account?._withUnsafeGuaranteedRef { $0.deposit() }
                return result
            case .giveUp:
                return result
            case .retry(let retryAfter):
                guard repeatsAfterEffects || said.hadNoEffect,
                    let next = await nextAttempt(retryAfter, startedAt: startedAt, &schedule)
                else { return result }
                attempt = next
            }
        }
    }

    /// One attempt with its own breaker and timeout.
    @inlinable @inline(never)
    nonisolated(nonsending) func attempted<Value, Failure: Error>(
        _ attempt: Int,
        _ report: (Result<Value, Failure>) -> CallReport, _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        guard let attemptBreaker else { return await timed(attempt, body) }
        switch attemptBreaker.admit() {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .permitted(let permit):
            let result = await timed(attempt, body)
            permit.finish(Self.reported(result, report).outcome)
            return result
        }
    }

    @inlinable
    nonisolated(nonsending) func timed<Value, Failure: Error>(
        _ attempt: Int, _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        guard let attemptTimeout else { return await made(attempt, body) }
        let own = Deadline(after: attemptTimeout, from: time.now)
        if let outer = Deadline.current, outer <= own { return await made(attempt, body) }
        return await Deadline.$current.withValue(
            own, operation: { await made(attempt, body) })
    }

    @inlinable
    nonisolated(nonsending) func made<Value, Failure: Error>(
        _ attempt: Int, _ body: (Int) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        do throws(Failure) {
            return .success(try await body(attempt))
        } catch {
            return .failure(error)
        }
    }

    /// What a result says. An attempt that a policy has refused had no effect, but for one that was cancelled.
    @inlinable @inline(__always)
    static func reported<Value, Failure: Error>(
        _ result: Guarded<Value, Failure>, _ report: (Result<Value, Failure>) -> CallReport
    ) -> CallReport {
        switch result {
        case .success(let value): return report(.success(value))
        case .failure(let error): return report(.failure(error))
        case .rejected(.faultInjected): return CallReport(.failure, retry: .retry(), hadNoEffect: true)
        case .rejected(.timedOut): return CallReport(.failure, retry: .retry())
        case .rejected: return CallReport(.neutral, retry: .giveUp, hadNoEffect: true)
        }
    }

    /// The number of the next attempt after its delay; nil when there is none.
    @usableFromInline @inline(never)
    func nextAttempt(
        _ retryAfter: Duration?, startedAt: MonotonicInstant, _ schedule: inout RetrySchedule?
    ) async -> Int? {
        await retry?.nextAttempt(retryAfter, startedAt: startedAt, &schedule)
    }

    /// What a result says of load: besides what ran out of time, a value that is a failure is the other side's refusal.
    @inlinable
    static func load<Value, Failure: Error>(
        _ result: Guarded<Value, Failure>, _ report: (Result<Value, Failure>) -> CallReport
    ) -> LimitedCallOutcome {
        switch result {
        case .success(let value):
            switch report(.success(value)).outcome {
            case .success: .success
            case .failure: .dropped
            case .neutral: .neutral
            }
        case .failure(let error): LimitedCallOutcome.standard(Result<Value, Failure>.failure(error))
        case .rejected(let rejection): LimitedCallOutcome.standard(Result<Value, Rejection>.failure(rejection))
        }
    }

    @usableFromInline
    func refused(_ rejection: Rejection) -> Rejection {
        observer?(.rejected(rejection))
        return rejection
    }
}

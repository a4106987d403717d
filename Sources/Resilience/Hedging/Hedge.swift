import Clocks

/// Makes a call a second time while the first is still under way, when that takes unusually long; the first good answer
/// counts.
///
/// Only for calls that may be made at the same time: that only ask, or carry an idempotency key. Each further call is
/// paid for from the dependency's retry budget, so that a dependency that is slow as a whole is not called twice as
/// often. Make one for each operation: what is unusual is learnt from its calls.
public final class Hedge: Sendable {
    /// What is called, for events.
    public let operation: String
    private let configuration: HedgeConfiguration
    private let budget: RetryBudget
    private let makesDeposits: Bool
    private let time: any TimeSource
    private let observer: ResilienceObserver?
    private let delay: Lock<HedgeDelay>

    /// Creates the policy.
    ///
    /// - Parameters:
    ///   - safety: What a second call would do.
    ///   - budget: That of the dependency, shared with all who call it.
    ///   - makesDeposits: Whether good answers earn; true where no ``Retry`` with the same budget stands around it.
    /// - Precondition: `safety` allows hedging, and the configuration has no ``HedgeConfiguration/faults``.
    public init(
        operation: String, safety: CallSafety, configuration: HedgeConfiguration = HedgeConfiguration(),
        budget: RetryBudget, makesDeposits: Bool = false, time: any TimeSource, observer: ResilienceObserver? = nil
    ) {
        precondition(safety.mayBeHedged, "\(operation) is neither safe nor keyed and must not be hedged")
        let faults = configuration.faults
        precondition(faults.isEmpty, "hedge of \(operation): \(faults.joined(separator: ", "))")
        self.operation = operation
        self.configuration = configuration
        self.budget = budget
        self.makesDeposits = makesDeposits
        self.time = time
        self.observer = observer
        delay = Lock(HedgeDelay(configuration))
    }

    /// The delay before a further call, for a call that would begin now.
    public var currentDelay: Duration {
        let now = time.now
        return delay.withLock { $0.delay(now: now) }
    }

    /// Makes the call, and further ones while it takes too long.
    ///
    /// The first call that ends well gives the answer. One that does not is the answer only if nothing else is under
    /// way: a failure before the delay is returned at once. No further call starts at or after ``Deadline/current``.
    ///
    /// The calls are children of the task: cancelling it cancels them all. When there is an answer the others are
    /// cancelled and waited for, so they must obey cancellation.
    ///
    /// - Parameters:
    ///   - isolation: The caller's isolation, in which `classify` is called.
    ///   - classify: Which results are good answers.
    ///   - body: The call, given its number from 1.
    /// - Throws: What the call threw whose result is the answer.
    public func call<Value: Sendable, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        classify: (Result<Value, Failure>) -> CallOutcome = CallOutcome.standard,
        _ body: @escaping @Sendable (_ attempt: Int) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let startedAt = time.now
        let answer = await withTaskGroup(of: HedgeEvent<Value, Failure>.self) { group in
            var race = HedgeRace(maximumExtraCalls: configuration.maximumExtraCalls)
            let delay = delay.withLock { $0.delay(now: startedAt) }
            begin(1, body, in: &group)
            beginDelay(delay, from: startedAt, in: &group)
            while let event = await group.next() {
                switch event {
                case .ended(let attempt, let result):
                    let isGood = classify(result) == .success
                    guard race.finish(attempt, isGood: isGood) == .answer else { continue }
                    group.cancelAll()
                    conclude(attempt, isGood: isGood, of: race, startedAt)
                    return result
                case .delayOver(let now):
                    guard let attempt = further(&race, now, delay) else { continue }
                    begin(attempt, body, in: &group)
                    if race.isOpen { beginDelay(delay, from: now, in: &group) }
                case .delayCancelled:
                    race.close()
                }
            }
            preconditionFailure("the last call to end gives the answer")
        }
        return try answer.get()
    }

    /// The number of the further call to begin, if one may be.
    private func further(_ race: inout HedgeRace, _ now: MonotonicInstant, _ delay: Duration) -> Int? {
        guard race.isOpen, !Task.isCancelled else { return nil }
        if let deadline = Deadline.current, deadline.hasPassed(at: now) {
            race.close()
            return nil
        }
        guard budget.withdraw(now: now) else {
            race.close()
            observer?(.hedgeSuppressed(operation: operation))
            return nil
        }
        let attempt = race.start()
        observer?(.hedgeStarted(operation: operation, attempt: attempt, delay: delay))
        return attempt
    }

    private func conclude(_ attempt: Int, isGood: Bool, of race: HedgeRace, _ startedAt: MonotonicInstant) {
        guard isGood else { return }
        let now = time.now
        // Of a first call that was beaten it is known that it took at least this long. One that failed says nothing.
        if attempt == 1 || race.firstIsRunning {
            delay.withLock { $0.record(startedAt.duration(to: now), now: now) }
        }
        if makesDeposits { budget.deposit(now: now) }
        if race.started > 1 { observer?(.hedgeWon(operation: operation, attempt: attempt)) }
    }

    private func begin<Value, Failure: Error>(
        _ attempt: Int, _ body: @escaping @Sendable (_ attempt: Int) async throws(Failure) -> Value,
        in group: inout TaskGroup<HedgeEvent<Value, Failure>>
    ) {
        group.addTask {
            do throws(Failure) {
                return .ended(attempt, .success(try await body(attempt)))
            } catch {
                return .ended(attempt, .failure(error))
            }
        }
    }

    /// Nothing, when the delay would not be over before the deadline.
    private func beginDelay<Value, Failure: Error>(
        _ delay: Duration, from now: MonotonicInstant, in group: inout TaskGroup<HedgeEvent<Value, Failure>>
    ) {
        let end = now.advanced(by: delay)
        if let deadline = Deadline.current, deadline.hasPassed(at: end) { return }
        group.addTask { [time] in
            do { try await time.sleep(until: end) } catch { return .delayCancelled }
            return .delayOver(time.now)
        }
    }
}

/// What the one who waits for the answer is told.
private enum HedgeEvent<Value: Sendable, Failure: Error>: Sendable {
    case ended(_ attempt: Int, Result<Value, Failure>)
    case delayOver(MonotonicInstant)
    case delayCancelled
}

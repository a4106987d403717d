import Clocks
import Synchronization

/// Makes calls slow or fail on purpose, by rules that an operator or a drill sets while the service runs.
///
/// ```swift
/// let result = await faults.call("charge", key: order, error: ProviderError.init(fault:)) { () async throws(ProviderError) in
///     try await provider.charge(order)
/// }
/// ```
///
/// It takes no rules unless it was enabled when it was made. While there are none a call costs one atomic load. With the
/// same seed and rules the same calls in the same order get the same faults.
public final class FaultInjector: Sendable {
    /// Whether it takes rules at all.
    public let isEnabled: Bool
    private let seed: UInt64
    private let time: any TimeSource
    private let observer: ResilienceObserver?
    private let hasRules = Atomic(false)
    private let plan: Lock<FaultPlan>

    /// Creates an injector without rules.
    ///
    /// - Parameters:
    ///   - isEnabled: Whether it is to take rules; false in production.
    ///   - seed: What the faults depend on, besides the rules and the calls.
    ///   - time: The clock for latencies.
    ///   - observer: Is told of every injection.
    public init(isEnabled: Bool, seed: UInt64, time: any TimeSource, observer: ResilienceObserver? = nil) {
        self.isEnabled = isEnabled
        self.seed = seed
        self.time = time
        self.observer = observer
        plan = Lock(FaultPlan([], seed: seed, now: time.now))
    }

    /// Replaces all rules; with none, injects nothing any more. Draws and counts begin anew. Waits that have begun last
    /// as long as they would have.
    ///
    /// - Throws: ``FaultInjectionError``, and then the rules are as before.
    public func setRules(_ rules: [FaultRule]) throws(FaultInjectionError) {
        guard isEnabled || rules.isEmpty else { throw .disabled }
        let faults = FaultPlan.faults(in: rules)
        guard faults.isEmpty else { throw .invalid(faults) }
        let fresh = FaultPlan(rules, seed: seed, now: time.now)
        plan.withLock { $0 = fresh }
        hasRules.store(!rules.isEmpty, ordering: .releasing)
    }

    /// The rules and what they have done since they were set.
    public var counts: [FaultRuleCount] { plan.withLock { $0.counts } }

    /// Makes a call, or what the rules want instead.
    ///
    /// A wait ends early, with a refusal, at ``Deadline/current`` and when the task is cancelled.
    /// - Parameters:
    ///   - operation: What is called, for rules and events.
    ///   - key: Whom it concerns, for rules by key.
    ///   - isolation: The caller's isolation, which the call keeps.
    ///   - error: Makes an error of the kind that a rule names; where it makes none, the call is refused instead.
    ///   - outcome: Makes a value of the kind that a rule names; where it makes none, the call is refused instead.
    ///   - body: The call.
    @inlinable
    public func call<Value, Failure: Error>(
        _ operation: String, key: String? = nil, isolation: isolated (any Actor)? = #isolation,
        error: (String) -> Failure? = { _ in nil }, outcome: (String) -> Value? = { _ in nil },
        _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        guard isActive else { return await attempt(body) }
        let decision = decide(operation, key: key)
        if let injected = await inject(decision, .before, operation) {
            return resolve(injected, operation, error: error, outcome: outcome)
        }
        let result = await attempt(body)
        guard let injected = await inject(decision, .after, operation) else { return result }
        return resolve(injected, operation, error: error, outcome: outcome)
    }

    /// Whether there are rules.
    public var isActive: Bool { hasRules.load(ordering: .acquiring) }
}

// MARK: Injecting

/// What the rules want with one call.
@usableFromInline
struct FaultDecision: Sendable {
    fileprivate let plan: FaultPlan.Decision
}

/// What is to take the place of a call's own result.
@usableFromInline
enum InjectedResult: Sendable {
    case rejected(Rejection)
    case error(kind: String, fault: String)
    case outcome(kind: String, fault: String)
}

extension FaultInjector {
    @usableFromInline
    func decide(_ operation: String, key: String?) -> FaultDecision {
        let now = time.now
        return FaultDecision(plan: plan.withLock { $0.decide(operation: operation, key: key, now: now) })
    }

    /// Waits as long as the rules want; nil when the call is to go its own way after that.
    @usableFromInline
    func inject(_ decision: FaultDecision, _ moment: FaultRule.Moment, _ operation: String) async -> InjectedResult? {
        guard let injection = moment == .before ? decision.plan.before : decision.plan.after else { return nil }
        for name in injection.names { observer?(.faultInjected(operation: operation, fault: name)) }
        if injection.latency > .zero, let rejection = await wait(injection.latency, operation) {
            observer?(.rejected(rejection))
            return .rejected(rejection)
        }
        switch injection.effect {
        case nil: return nil
        case .refusal: return refuse(operation, fault: injection.name)
        case .error(let kind): return .error(kind: kind, fault: injection.name)
        case .outcome(let kind): return .outcome(kind: kind, fault: injection.name)
        }
    }

    @usableFromInline
    func resolve<Value, Failure: Error>(
        _ injected: InjectedResult, _ operation: String, error: (String) -> Failure?, outcome: (String) -> Value?
    ) -> Guarded<Value, Failure> {
        switch injected {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .error(let kind, let fault):
            if let failure = error(kind) { return .failure(failure) }
            return .rejected(refusal(operation, fault: fault))
        case .outcome(let kind, let fault):
            if let value = outcome(kind) { return .success(value) }
            return .rejected(refusal(operation, fault: fault))
        }
    }

    @inlinable
    func attempt<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        do throws(Failure) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    private func wait(_ latency: Duration, _ operation: String) async -> Rejection? {
        let end = time.now.advanced(by: latency)
        let deadline = Deadline.current?.instant ?? .distantFuture
        do {
            try await time.sleep(until: min(end, deadline))
        } catch {
            return .cancelled(bulkhead: operation)
        }
        return deadline <= end ? .deadlineExceeded(operation: operation) : nil
    }

    private func refuse(_ operation: String, fault: String) -> InjectedResult {
        .rejected(refusal(operation, fault: fault))
    }

    private func refusal(_ operation: String, fault: String) -> Rejection {
        let rejection = Rejection.faultInjected(operation: operation, fault: fault)
        observer?(.rejected(rejection))
        return rejection
    }
}

/// Rules were not taken.
public enum FaultInjectionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Fault injection is off.
    case disabled

    /// Something is wrong with the rules: all of it, as sentences.
    case invalid([String])

    /// One sentence for an operator.
    public var description: String {
        switch self {
        case .disabled: "fault injection is off in this process"
        case .invalid(let faults): "the fault rules were not taken: \(faults.joined(separator: "; "))"
        }
    }
}

/// Answers in another way when a call was refused or has failed, and says that it did.
///
/// It stands outermost, so that it also answers for the refusals of the other policies. What the caller gave up itself is
/// left as it is: nobody waits for the answer.
public struct Fallback: Sendable {
    /// What is called, for events.
    public let operation: String
    @usableFromInline let observer: ResilienceObserver?

    /// Creates the policy.
    public init(operation: String, observer: ResilienceObserver? = nil) {
        self.operation = operation
        self.observer = observer
    }

    /// The call's answer, or the other one where the call has none.
    ///
    /// - Parameters:
    ///   - isolation: The caller's isolation, which both keep.
    ///   - body: The guarded call.
    ///   - instead: The other answer; nil where there is none for this reason, and what the call came to stands.
    @inlinable
    public func guarded<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async -> Guarded<Value, Failure>, instead: (FallbackReason) async -> Value?
    ) async -> Guarded<FallbackAnswer<Value>, Failure> {
        switch await body() {
        case .success(let value):
            return .success(FallbackAnswer(value: value, reason: nil))
        case .failure(let error):
            guard let reason = FallbackReason(error), let answer = await answer(reason, instead) else {
                return .failure(error)
            }
            return .success(answer)
        case .rejected(let rejection):
            guard let reason = FallbackReason(rejection), let answer = await answer(reason, instead) else {
                return .rejected(rejection)
            }
            return .success(answer)
        }
    }

    /// The call's answer, or the other one where the call throws.
    ///
    /// - Throws: What the call threw, when there is no other answer for that.
    @inlinable
    public func call<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Value, instead: (FallbackReason) async -> Value?
    ) async throws(Failure) -> FallbackAnswer<Value> {
        do throws(Failure) {
            return FallbackAnswer(value: try await body(), reason: nil)
        } catch {
            guard let reason = FallbackReason(error), let answer = await answer(reason, instead) else { throw error }
            return answer
        }
    }

    @usableFromInline
    func answer<Value>(
        isolation: isolated (any Actor)? = #isolation,
        _ reason: FallbackReason, _ instead: (FallbackReason) async -> Value?
    ) async -> FallbackAnswer<Value>? {
        guard let value = await instead(reason) else { return nil }
        observer?(.fallbackUsed(operation: operation, reason: reason.description))
        return FallbackAnswer(value: value, reason: reason)
    }
}

/// Why a call has no answer of its own.
public enum FallbackReason: Error, CustomStringConvertible {
    /// A policy refused it.
    case rejected(Rejection)

    /// It failed.
    case failed(any Error)

    /// Nil when the caller gave up.
    @usableFromInline
    init?(_ error: any Error) {
        switch error {
        case is CancellationError, Rejection.cancelled: return nil
        case let rejection as Rejection: self = .rejected(rejection)
        default: self = .failed(error)
        }
    }

    /// What happened, for logs and metrics.
    public var description: String {
        switch self {
        case .rejected(let rejection): rejection.description
        case .failed(let error): String(describing: error)
        }
    }
}

/// A value, and whether it is the call's own.
public struct FallbackAnswer<Value> {
    /// What to go on with.
    public let value: Value

    /// Why it comes from the fallback; nil when it does not.
    public let reason: FallbackReason?

    /// Whether it comes from the fallback.
    public var isDegraded: Bool { reason != nil }

    @usableFromInline
    init(value: Value, reason: FallbackReason?) {
        self.value = value
        self.reason = reason
    }
}

extension FallbackAnswer: Sendable where Value: Sendable {}

import Clocks
import Kafka
import Resilience

/// What the bulkhead and the circuit breaker in front of the brokers are told, and what they tell the relay.
///
/// While it is not closed nothing is handed to the client: messages stay in the outbox, in their order, instead of
/// waiting in librdkafka for a delivery timeout. Deliveries open it. A look at the brokers, which costs a second at
/// most and moves no message, is the probe that closes it again.
package struct KafkaCircuit: Sendable {
    package let breaker: CircuitBreaker
    /// Bounds the batches handed to the client and not answered yet, whoever hands them over.
    package let bulkhead: Bulkhead
    private let time: any TimeSource

    /// How soon it is looked again whether the probe under way has closed the circuit.
    private static let probePause = Duration.milliseconds(50)

    /// - Parameter observer: told of batches that the bulkhead refuses.
    package init(
        _ breaker: CircuitBreaker, batches: Bulkhead.Configuration = .kafka, time: any TimeSource,
        observer: ResilienceObserver? = nil
    ) {
        self.breaker = breaker
        bulkhead = Bulkhead(name: breaker.name, configuration: batches, time: time, observer: observer)
        self.time = time
    }

    /// How long nothing is to be handed over, at least; nil when it may be tried.
    package var pause: Duration? {
        switch breaker.state {
        case .closed, .disabled, .metricsOnly: return nil
        case .open, .halfOpen, .forcedOpen:
            let rest = breaker.openUntil.map { time.now.duration(to: $0) } ?? .zero
            return max(rest, Self.probePause)
        }
    }

    /// Delivers a batch under the bulkhead and the breaker; when one of them refuses, nothing is handed over.
    func deliver<Position: Sendable>(
        by deadline: MonotonicInstant, _ send: () async -> [Result<Position, KafkaError>]
    ) async -> Guarded<[Result<Position, KafkaError>], Never> {
        if !bulkhead.take(), let rejection = await bulkhead.takeLater(until: deadline) { return .rejected(rejection) }
        defer { bulkhead.giveBack() }
        // The probes are for looks: a batch that goes out as one would wait for its delivery timeout.
        if let pause {
            return .rejected(.circuitOpen(breaker: breaker.name, state: breaker.state, retryAfter: pause))
        }
        switch breaker.admit() {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .permitted(let permit):
            let results = await send()
            permit.finish(Self.outcome(results))
            return .success(results)
        }
    }

    /// Looks at the brokers, as the probe where one is wanted; nil when the breaker wants none now.
    ///
    /// While the circuit is closed a look can only count against it: many looks that succeed must not outweigh the
    /// deliveries that fail, because a broker may answer questions and take no messages.
    package func look(_ reaches: () async -> Bool) async -> Bool? {
        let isProbe = breaker.state.isProbing
        guard case .permitted(let permit) = breaker.admit() else { return nil }
        let isReachable = await reaches()
        permit.finish(isReachable ? (isProbe ? .success : .neutral) : .failure)
        return isReachable
    }

    /// What a batch says about the brokers: they work when they took any of it. A record that was never handed over, or
    /// that they refused for what it is, says nothing.
    static func outcome<Position>(_ results: [Result<Position, KafkaError>]) -> CallOutcome {
        var outcome = CallOutcome.neutral
        for result in results {
            switch result {
            case .success: return .success
            case .failure(let error): if error.speaksAgainstBrokers { outcome = .failure }
            }
        }
        return outcome
    }
}

extension Bulkhead.Configuration {
    /// A relay has one batch under way; a few more fit beside it, and each is bounded by who makes it. What waits is a
    /// batch whose messages are in the outbox anyway: not for long.
    package static var kafka: Bulkhead.Configuration {
        var configuration = Bulkhead.Configuration()
        configuration.limit = 4
        configuration.queueLimit = 16
        configuration.maximumWait = .seconds(1)
        return configuration
    }
}

extension CircuitBreakerState {
    /// Whether the next call that is admitted is a probe, unless an operator wants otherwise.
    fileprivate var isProbing: Bool { self == .open || self == .halfOpen }
}

extension KafkaError {
    fileprivate var speaksAgainstBrokers: Bool {
        switch name {
        case KafkaError.closed.name, KafkaError.cancelled.name, KafkaError.notTaken.name: false
        // Without having been handed over: the client's own queue was full.
        case KafkaError.deadlineExceeded.name: mayBeWritten
        default: isRetriable || isFatal
        }
    }
}

import Clocks
import Synchronization

/// Grants permits at a bounded rate, with a bounded burst.
///
/// ```swift
/// guard limiter.tryAcquire().isAllowed else { return .tooManyRequests }
/// ```
///
/// The whole state is one atomic instant (see ``RateLimit`` for what is guaranteed): no lock, and no allocation.
public final class RateLimiter: Sendable {
    /// Who it is, for events and refusals.
    public let name: String

    /// What is allowed.
    public let limit: RateLimit

    /// ``acquire(cost:)`` waits no longer than this.
    public let maximumWait: Duration
    private let rate: CellRate
    private let time: any TimeSource
    private let observer: ResilienceObserver?
    private let fullAt = Atomic<Int64>(CellRate.full)
    private let rejectedCount = Atomic<UInt64>(0)

    /// Creates a limiter with a full bucket.
    ///
    /// - Precondition: The limit has no ``RateLimit/faults`` and the longest wait is not negative.
    public init(
        name: String, limit: RateLimit, maximumWait: Duration = .zero, time: any TimeSource,
        observer: ResilienceObserver? = nil
    ) {
        let faults = limit.faults
        precondition(faults.isEmpty, "rate limiter \(name): \(faults.joined(separator: ", "))")
        precondition(maximumWait >= .zero, "rate limiter \(name): the longest wait must not be negative")
        self.name = name
        self.limit = limit
        self.maximumWait = maximumWait
        self.time = time
        self.observer = observer
        rate = CellRate(limit)
    }

    /// Takes this many permits if they are there, and does not wait.
    ///
    /// A cost above the burst counts as the burst: it is granted when the bucket is full, and empties it.
    /// - Precondition: `cost` is positive.
    public func tryAcquire(cost: Int = 1) -> RateDecision {
        let decision = take(rate.ticks(ofCost: cost), now: rate.ticks(time.now))
        if case .rejected(_, let retryAfter) = decision {
            rejectedCount.add(1, ordering: .relaxed)
            observer?(.rejected(.rateLimited(limiter: name, retryAfter: retryAfter)))
        }
        return decision
    }

    /// Takes this many permits, waiting for them where that is allowed, in order of asking. Nil when they are taken.
    ///
    /// Permits are promised ahead of time, so whoever cannot have them within ``maximumWait`` and before
    /// ``Deadline/current`` is refused at once instead of after waiting. Cancellation ends the wait; the promised
    /// permits come back if nobody was promised later ones, and lapse otherwise, so that the rate holds all the same.
    public func acquire(cost: Int = 1) async -> Rejection? {
        let now = time.now
        let deadline = Deadline.current
        if let deadline, deadline.hasPassed(at: now) { return reject(.deadlineExceeded(operation: name)) }
        let end = min(now.advanced(by: maximumWait), deadline?.instant ?? .distantFuture)
        let ticks = rate.ticks(ofCost: cost)
        switch promise(ticks, now: now, by: end) {
        case .tooLate(let wait): return reject(.rateLimited(limiter: name, retryAfter: wait))
        case .granted(let instant, let fullAt):
            guard instant > now else { return nil }
            do {
                try await time.sleep(until: instant)
                return nil
            } catch {
                _ = self.fullAt.compareExchange(expected: fullAt, desired: fullAt - ticks, ordering: .relaxed)
                return reject(.cancelled(bulkhead: name))
            }
        }
    }

    /// What is left of the bucket now.
    public var quota: RateQuota {
        let now = rate.ticks(time.now)
        return RateQuota(rate, backlog: rate.backlog(fullAt: fullAt.load(ordering: .relaxed), now: now))
    }

    /// Refusals since the limiter was made, for whatever reason.
    public var rejected: UInt64 { rejectedCount.load(ordering: .relaxed) }

    // The instant is all there is: nothing is published through it, so relaxed ordering is enough.
    private func take(_ ticks: Int64, now: Int64) -> RateDecision {
        var seen = fullAt.load(ordering: .relaxed)
        while true {
            let backlog = rate.backlog(fullAt: seen, now: now)
            let after = backlog + ticks
            guard after <= rate.capacity else {
                let retryAfter = rate.duration(ofTicks: after - rate.capacity)
                return .rejected(RateQuota(rate, backlog: backlog), retryAfter: retryAfter)
            }
            let (isTaken, actual) = fullAt.weakCompareExchange(
                expected: seen, desired: now + after, ordering: .relaxed)
            if isTaken { return .allowed(RateQuota(rate, backlog: after)) }
            seen = actual
        }
    }

    private enum Promise {
        case granted(at: MonotonicInstant, fullAt: Int64)
        case tooLate(wait: Duration)
    }

    private func promise(_ cost: Int64, now: MonotonicInstant, by end: MonotonicInstant) -> Promise {
        let ticks = rate.ticks(now)
        var seen = fullAt.load(ordering: .relaxed)
        while true {
            let after = rate.backlog(fullAt: seen, now: ticks) + cost
            let wait = rate.duration(ofTicks: max(0, after - rate.capacity))
            let instant = now.advanced(by: wait)
            guard instant <= end else { return .tooLate(wait: wait) }
            let (isTaken, actual) = fullAt.weakCompareExchange(
                expected: seen, desired: ticks + after, ordering: .relaxed)
            if isTaken { return .granted(at: instant, fullAt: ticks + after) }
            seen = actual
        }
    }

    private func reject(_ rejection: Rejection) -> Rejection {
        rejectedCount.add(1, ordering: .relaxed)
        observer?(.rejected(rejection))
        return rejection
    }
}

extension RateLimiter {
    /// Makes a call once it has its permits, waiting for them as ``acquire(cost:)`` does.
    @inlinable
    public func call<Value, Failure: Error>(
        cost: Int = 1, isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        if let rejection = await acquire(cost: cost) { return .rejected(rejection) }
        do throws(Failure) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}

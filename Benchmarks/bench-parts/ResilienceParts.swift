import Clocks
import Glibc
import Resilience

/// What it costs to guard a call that does nothing: the price of every policy on every call.
func resilienceParts() -> [Part] {
    let closed = CircuitBreaker(name: "closed", time: SystemTime(), random: SystemRandom())
    var timed = CircuitBreakerConfiguration()
    timed.window = .time(.seconds(10))
    timed.slowCallRate = 0.5
    let byTime = CircuitBreaker(name: "by time", configuration: timed, time: SystemTime(), random: SystemRandom())
    let open = CircuitBreaker(name: "open", time: SystemTime(), random: SystemRandom())
    open.forceOpen()
    let bulkhead = Bulkhead(name: "bulkhead", time: SystemTime())
    let retry = Retry(operation: "retry", time: SystemTime(), random: SystemRandom())
    let timeout = Timeout(operation: "timeout", limit: .seconds(10), time: SystemTime())
    let deadline = Deadline(after: .seconds(3600), from: SystemTime().now)
    return [
        Part("resilience: breaker, admit and finish", nanoseconds: 150, allocations: 0) { count in
            for _ in 0..<count { pass(closed) }
        },
        Part("resilience: breaker over time, admit and finish", nanoseconds: 150, allocations: 0) { count in
            for _ in 0..<count { pass(byTime) }
        },
        Part("resilience: breaker, refusal", nanoseconds: 100, allocations: 0) { count in
            for _ in 0..<count { pass(open) }
        },
        Part("resilience: bulkhead, take and give back", nanoseconds: 100, allocations: 0) { count in
            for _ in 0..<count {
                if case .permitted(let permit) = bulkhead.tryAcquire() { permit.finish() }
            }
        },
        asyncPart("resilience: a call without any guard", nanoseconds: 100) {
            consume(await bare { () async throws(Never) in 7 })
        },
        asyncPart("resilience: breaker around a call", nanoseconds: 250) {
            consume(await closed.call { () async throws(Never) in 7 })
        },
        asyncPart("resilience: bulkhead around a call", nanoseconds: 250) {
            consume(await bulkhead.call { () async throws(Never) in 7 })
        },
        asyncPart("resilience: retry around a good call", nanoseconds: 250) {
            consume(await retry.call { (_) async throws(Never) in 7 })
        },
        asyncPart("resilience: deadline around a call", nanoseconds: 250) {
            await withDeadline(deadline) { consume(7) }
        },
        asyncPart("resilience: timeout around a call", nanoseconds: 5000) {
            consume(await timeout.call { 7 })
        },
    ]
}

@inline(never)
private func bare<Value, Failure: Error>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
    try await body()
}

private func pass(_ breaker: CircuitBreaker) {
    switch breaker.admit() {
    case .permitted(let permit): permit.finish(.success)
    case .rejected(let rejection): consume(rejection)
    }
}

/// A part that may suspend: its repetitions run in one task, for which the thread waits. What does not suspend runs on
/// the thread itself, so its allocations are counted; those of a call in a task of its own are not.
private func asyncPart(
    _ name: String, nanoseconds: Double, _ body: @escaping @Sendable () async -> Void
) -> Part {
    Part(name, nanoseconds: nanoseconds, allocations: 0) { count in
        let done = Semaphore()
        Task.immediate {
            for _ in 0..<count { await body() }
            done.signal()
        }
        done.wait()
    }
}

// The semaphore is made for use by several threads and lives as long as its owner.
private final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 {} }
}

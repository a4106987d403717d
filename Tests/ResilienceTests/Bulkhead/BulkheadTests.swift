import Clocks
import Resilience
import TestSupport
import Testing

struct BulkheadTests {
    private let time = TestTime()
    private let log = EventLog()

    private func bulkhead(limit: Int, queue: Int = 0, wait: Duration = .seconds(1)) -> Bulkhead {
        var configuration = Bulkhead.Configuration()
        configuration.limit = limit
        configuration.queueLimit = queue
        configuration.maximumWait = wait
        return Bulkhead(name: "shipping", configuration: configuration, time: time, observer: log.observer)
    }

    private func rejection(of bulkhead: Bulkhead) async -> Rejection? {
        switch await bulkhead.acquire() {
        case .permitted: nil
        case .rejected(let rejection): rejection
        }
    }

    /// Suspends until this many wait: waiting is another task's doing.
    private func untilWaiting(_ count: Int, in bulkhead: Bulkhead) async throws {
        while bulkhead.snapshot.waiting != count { try await SystemTime().sleep(for: .microseconds(100)) }
    }

    @Test("without a queue, one call too many is refused at once")
    func full() async {
        let bulkhead = bulkhead(limit: 1)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let full = Rejection.bulkheadFull(bulkhead: "shipping", limit: 1, queueLimit: 0)
        #expect(await rejection(of: bulkhead) == full)
        #expect(log.events == [.rejected(full)])
        permit.finish()
        #expect(await rejection(of: bulkhead) == nil)
        #expect(bulkhead.snapshot.inUse == 0)
        #expect(bulkhead.snapshot.rejected == 1)
    }

    @Test("who does not want to wait is refused though the queue has room")
    func tryAcquire() {
        let bulkhead = bulkhead(limit: 1, queue: 5)
        guard case .permitted(let permit) = bulkhead.tryAcquire() else { return #expect(Bool(false)) }
        var isRefused = false
        if case .rejected(.bulkheadFull) = bulkhead.tryAcquire() { isRefused = true }
        #expect(isRefused && bulkhead.snapshot.waiting == 0)
        permit.finish()
        guard case .permitted = bulkhead.tryAcquire() else { return #expect(Bool(false)) }
    }

    @Test("a place is given back when the permit is dropped, and once only")
    func dropped() async {
        let bulkhead = bulkhead(limit: 2)
        for _ in 0..<10 {
            guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
            _ = consume permit
        }
        #expect(bulkhead.snapshot.inUse == 0)
    }

    @Test("a call that throws gives its place back")
    func throwing() async {
        let bulkhead = bulkhead(limit: 1)
        for _ in 0..<3 {
            let answer: Guarded<Int, ProviderDown> = await bulkhead.call { () async throws(ProviderDown) in
                throw ProviderDown()
            }
            guard case .failure(ProviderDown()) = answer else { return #expect(Bool(false)) }
        }
        #expect(bulkhead.snapshot.inUse == 0)
    }

    @Test("places are handed on in the order of asking")
    func fair() async throws {
        let bulkhead = bulkhead(limit: 1, queue: 3)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let (order, continuation) = AsyncStream.makeStream(of: Int.self)
        for number in 1...3 {
            Task {
                _ = await bulkhead.call { () async throws(Never) in _ = continuation.yield(number) }
            }
            try await untilWaiting(number, in: bulkhead)
        }
        let queueFull = Rejection.bulkheadFull(bulkhead: "shipping", limit: 1, queueLimit: 3)
        #expect(await rejection(of: bulkhead) == queueFull)
        permit.finish()
        var seen: [Int] = []
        for await number in order.prefix(3) { seen.append(number) }
        #expect(seen == [1, 2, 3])
    }

    @Test("nobody waits longer than the longest wait")
    func maximumWait() async throws {
        let bulkhead = bulkhead(limit: 1, queue: 1)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        async let waiting = rejection(of: bulkhead)
        let deadline = try await time.nextTimerScheduled()
        #expect(time.now.duration(to: deadline) == .seconds(1))
        time.advance(to: deadline)
        #expect(await waiting == .waitedTooLong(bulkhead: "shipping", waited: .seconds(1)))
        #expect(bulkhead.snapshot.waiting == 0)
        permit.finish()
        #expect(bulkhead.snapshot.inUse == 0)
    }

    @Test("nobody waits past the task's deadline")
    func deadline() async throws {
        let bulkhead = bulkhead(limit: 1, queue: 1)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let now = time.now
        async let waiting = withDeadline(Deadline(after: .milliseconds(300), from: now)) {
            await rejection(of: bulkhead)
        }
        time.advance(to: try await time.nextTimerScheduled())
        #expect(await waiting == .waitedTooLong(bulkhead: "shipping", waited: .milliseconds(300)))
        let passed = await withDeadline(Deadline(at: now)) { await rejection(of: bulkhead) }
        #expect(passed == .deadlineExceeded(operation: "shipping"))
        permit.finish()
    }

    @Test("one who is cancelled leaves the queue, and the next gets the place")
    func cancelled() async throws {
        let bulkhead = bulkhead(limit: 1, queue: 2)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let first = Task { await rejection(of: bulkhead) }
        try await untilWaiting(1, in: bulkhead)
        let second = Task { await rejection(of: bulkhead) }
        try await untilWaiting(2, in: bulkhead)
        first.cancel()
        #expect(await first.value == .cancelled(bulkhead: "shipping"))
        permit.finish()
        #expect(await second.value == nil)
        #expect(bulkhead.snapshot.inUse == 0)
    }

    @Test("under many calls, cancellations and releases at once no place is lost")
    func stress() async {
        let bulkhead = bulkhead(limit: 3, queue: 1000, wait: .seconds(3600))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<400 {
                group.addTask {
                    let task = Task { await bulkhead.call { () async throws(Never) in await Task.yield() } }
                    if number % 3 == 0 { task.cancel() }
                    _ = await task.value
                }
            }
        }
        #expect(bulkhead.snapshot.inUse == 0)
        #expect(bulkhead.snapshot.waiting == 0)
    }
}

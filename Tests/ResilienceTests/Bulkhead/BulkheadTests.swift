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
    private func untilWaiting(_ count: Int, in bulkhead: Bulkhead) async {
        await until { bulkhead.snapshot.waiting == count }
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
            await untilWaiting(number, in: bulkhead)
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
        await untilWaiting(1, in: bulkhead)
        let second = Task { await rejection(of: bulkhead) }
        await untilWaiting(2, in: bulkhead)
        first.cancel()
        #expect(await first.value == .cancelled(bulkhead: "shipping"))
        permit.finish()
        #expect(await second.value == nil)
        #expect(bulkhead.snapshot.inUse == 0)
    }

    @Test("all who wait can be dismissed; whoever has a place keeps it, and who comes later waits as ever")
    func dismissed() async {
        let bulkhead = bulkhead(limit: 1, queue: 5)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let waiting = (0..<3).map { _ in Task { await rejection(of: bulkhead) } }
        await untilWaiting(3, in: bulkhead)
        bulkhead.dismissWaiting()
        for task in waiting { #expect(await task.value == .cancelled(bulkhead: "shipping")) }
        #expect(bulkhead.snapshot.inUse == 1 && bulkhead.snapshot.waiting == 0)
        let late = Task { await rejection(of: bulkhead) }
        await untilWaiting(1, in: bulkhead)
        permit.finish()
        #expect(await late.value == nil)
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

    @Test("many threads are never more than the limit inside, and all places are free in the end")
    func limit() async {
        let bulkhead = bulkhead(limit: 3)
        let (inside, made) = (Gauge(), Gauge())
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        let answer = await bulkhead.call { () async throws(Never) in
                            inside.up()
                            if task % 2 == 0 { await Task.yield() }
                            inside.down()
                        }
                        if case .success = answer { made.up() }
                    }
                }
            }
        }
        let snapshot = bulkhead.snapshot
        #expect(inside.peak <= 3)
        #expect(snapshot.inUse == 0)
        #expect(Int(snapshot.rejected) + made.value == 4000)
    }

    @Test("who waits has the next place, though others ask all the time without waiting", .timeLimit(.minutes(5)))
    func noOvertaking() async throws {
        let bulkhead = bulkhead(limit: 1, queue: 1)
        guard case .permitted(let permit) = await bulkhead.acquire() else { return #expect(Bool(false)) }
        let order = EventOrder()
        let waiting = Task {
            await bulkhead.call { () async throws(Never) in order.note("waiter") }
        }
        await untilWaiting(1, in: bulkhead)
        permit.finish()
        // The place has been handed on before this asks: it may be refused, but never overtake.
        if case .permitted(let late) = bulkhead.tryAcquire() {
            order.note("other")
            late.finish()
        }
        _ = await waiting.value
        #expect(order.names.first == "waiter")
    }
}

private final class EventOrder: Sendable {
    private let stored = Lock<[String]>([])
    var names: [String] { stored.withLock { $0 } }
    func note(_ name: String) { stored.withLock { $0.append(name) } }
}

import Clocks
import Resilience
import TestSupport
import Testing

/// What a cache does when its source cannot be asked, or is too slow.
struct StaleCacheFailureTests {
    private let time = TestTime()
    private let log = EventLog()

    private func cache(
        _ source: SourceDouble, errorAge: Duration = .seconds(60)
    ) -> StaleCache<String, Int> {
        var configuration = StaleCacheConfiguration()
        configuration.errorAge = errorAge
        return StaleCache(name: "prices", configuration: configuration, time: time, observer: log.observer) {
            try await source.fetch($0, $1)
        }
    }

    @Test("a failure is told, and not remembered")
    func failure() async throws {
        let source = SourceDouble(["A": 1])
        source.setDown(true)
        let cache = cache(source)
        await #expect(throws: ProviderDown()) { try await cache.value(for: "A") }
        source.setDown(false)
        #expect(try await cache.value(for: "A")?.value == 1)
        #expect(cache.snapshot.failedFetches == 1)
    }

    @Test("an old value is served when it cannot be fetched, and says so; for a while it is not even tried")
    func staleIfError() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        source.setDown(true)
        time.advance(by: .seconds(30))
        let first = try #require(try await cache.value(for: "A"))
        #expect(first.value == 1 && first.age == .seconds(30) && first.freshness == .stale(.fetchFailed))
        #expect(first.isDegraded)
        time.advance(by: .milliseconds(499))
        #expect(try await cache.value(for: "A")?.isDegraded == true)
        #expect(source.asked.count == 2)
        time.advance(by: .milliseconds(1))
        #expect(try await cache.value(for: "A")?.isDegraded == true)
        #expect(source.asked.count == 3)
        #expect(
            log.events == [
                .fallbackUsed(operation: "prices", reason: "ProviderDown()"),
                .fallbackUsed(operation: "prices", reason: "the last fetch has failed"),
                .fallbackUsed(operation: "prices", reason: "ProviderDown()"),
            ])
        source.setDown(false)
        time.advance(by: .milliseconds(500))
        #expect(try await cache.value(for: "A")?.freshness == .fresh)
    }

    @Test("a value that is too old even for that is not served")
    func tooOld() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        source.setDown(true)
        time.advance(by: .seconds(60) + .nanoseconds(1))
        await #expect(throws: ProviderDown()) { try await cache.value(for: "A") }
    }

    @Test("one value that is neither known nor to be had makes the whole answer fail")
    func oneMissing() async throws {
        let source = SourceDouble(["A": 1, "B": 2])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        source.setDown(true)
        time.advance(by: .seconds(30))
        await #expect(throws: ProviderDown()) { try await cache.values(for: ["A", "B"]) }
    }

    @Test("a failed refresh behind the scenes is not repeated at once")
    func refreshFails() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        source.setDown(true)
        time.advance(by: .seconds(2))
        #expect(try await cache.value(for: "A")?.freshness == .stale(.ageing))
        await until { cache.snapshot.failedFetches == 1 }
        for _ in 0..<10 { #expect(try await cache.value(for: "A")?.freshness == .stale(.fetchFailed)) }
        #expect(source.asked.count == 2)
    }

    @Test("a fetch that takes too long is cancelled, and what waits for it is told")
    func fetchTimeout() async throws {
        let source = SourceDouble(["A": 1], isHeld: true)
        let (cache, begin) = (cache(source), time.now)
        let task = Task { try await cache.value(for: "A") }
        await until { source.asked.count == 1 && cache.snapshot.missed == 1 }
        try await time.nextTimerScheduled()
        try await time.nextTimerScheduled()
        time.advance(by: .seconds(2))
        await #expect(throws: Rejection.timedOut(operation: "prices", limit: .seconds(2))) { try await task.value }
        await until { source.cancelled == 1 && cache.snapshot.fetching == 0 }
        #expect(source.deadlines == [Deadline(after: .seconds(2), from: begin)])
    }

    @Test("a fetch has its own deadline, not that of the caller who began it")
    func ownDeadline() async throws {
        let source = SourceDouble(["A": 1])
        let (cache, begin) = (cache(source), time.now)
        _ = try await withDeadline(Deadline(after: .seconds(1), from: begin)) { try await cache.value(for: "A") }
        #expect(source.deadlines == [Deadline(after: .seconds(2), from: begin)])
        #expect(source.currents == [Deadline(after: .seconds(2), from: begin)])
    }

    @Test("who is cancelled stops waiting at once; the fetch goes on for the others")
    func cancelled() async throws {
        let source = SourceDouble(["A": 1], isHeld: true)
        let cache = cache(source)
        let first = Task { try await cache.value(for: "A") }
        await until { source.asked.count == 1 }
        let second = Task { try await cache.value(for: "A") }
        await until { cache.snapshot.missed == 2 }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(source.cancelled == 0)
        source.letGo()
        #expect(try await second.value?.value == 1)
        #expect(source.asked.count == 1)
    }

    @Test("nobody waits past their deadline, and then an old value is better than none", arguments: [true, false])
    func callerDeadline(hasOld: Bool) async throws {
        let source = SourceDouble(["A": 1])
        let (cache, time) = (cache(source), time)
        if hasOld {
            _ = try await cache.value(for: "A")
            time.advance(by: .seconds(30))
        }
        source.hold()
        let task = Task {
            try await withDeadline(Deadline(after: .seconds(1), from: time.now)) { try await cache.value(for: "A") }
        }
        let end = time.now.advanced(by: .seconds(1))
        while try await time.nextTimerScheduled() != end {}
        time.advance(to: end)
        if hasOld {
            #expect(try await task.value?.isDegraded == true)
        } else {
            await #expect(throws: Rejection.deadlineExceeded(operation: "prices")) { try await task.value }
        }
        source.letGo()
        await until { cache.snapshot.fetching == 0 }
        let fetched = try #require(try await cache.value(for: "A"))
        #expect(fetched.age == .seconds(1) && !fetched.isDegraded)
    }

    @Test("for a caller whose deadline has passed nothing is fetched, but what is in memory is served")
    func late() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        try await withDeadline(Deadline(at: time.now)) {
            let known = try await cache.value(for: "A")
            #expect(known?.value == 1)
            await #expect(throws: Rejection.deadlineExceeded(operation: "prices")) {
                try await cache.value(for: "B")
            }
        }
        #expect(source.asked == [["A"]])
    }

    @Test("who joined a fetch that then failed asks once more before giving up")
    func joinedFailure() async throws {
        let source = SourceDouble(["A": 1], isHeld: true)
        source.setDown(true)
        let cache = cache(source)
        let early = Task { try await cache.value(for: "A") }
        await until { source.asked.count == 1 }
        source.setDown(false)
        let late = Task { try await cache.value(for: "A") }
        await until { cache.snapshot.missed == 2 }
        source.letGo()
        await #expect(throws: ProviderDown()) { try await early.value }
        #expect(try await late.value?.value == 1)
    }
}

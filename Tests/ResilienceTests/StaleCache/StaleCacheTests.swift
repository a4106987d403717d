import Clocks
import Resilience
import TestSupport
import Testing

struct StaleCacheTests {
    private let time = TestTime()

    private func cache(
        _ source: SourceDouble, _ change: (inout StaleCacheConfiguration) -> Void = { _ in }
    ) -> StaleCache<String, Int> {
        var configuration = StaleCacheConfiguration()
        change(&configuration)
        return StaleCache(name: "prices", configuration: configuration, time: time) { try await source.fetch($0, $1) }
    }

    @Test("however many want a value at once, it is fetched once")
    func singleFlight() async throws {
        for _ in 0..<50 {
            let source = SourceDouble(["A": 1], isHeld: true)
            let cache = cache(source)
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<16 { group.addTask { try await cache.value(for: "A")?.value } }
                await until { !source.asked.isEmpty }
                for _ in 0..<50 { await Task.yield() }
                source.letGo()
                for try await value in group { #expect(value == 1) }
            }
            #expect(source.asked == [["A"]])
        }
    }

    @Test("several values are fetched together, those that are there or under way left out")
    func batch() async throws {
        let source = SourceDouble(["A": 1, "B": 2, "C": 3, "D": 4])
        let cache = cache(source)
        _ = try await cache.value(for: "A")
        source.hold()
        let first = Task { try await cache.values(for: ["A", "B"]) }
        await until { source.asked.count == 2 }
        let second = Task { try await cache.values(for: ["A", "B", "C", "D", "D", "X"]) }
        await until { source.asked.count == 3 }
        source.letGo()
        #expect(try await first.value.mapValues(\.value) == ["A": 1, "B": 2])
        #expect(try await second.value.mapValues(\.value) == ["A": 1, "B": 2, "C": 3, "D": 4])
        #expect(source.asked == [["A"], ["B"], ["C", "D", "X"]])
    }

    @Test("a young value comes from memory, an ageing one too and is fetched anew, an old one is fetched first")
    func ages() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        #expect(try await cache.value(for: "A")?.freshness == .fresh)
        source.set("A", 2)
        time.advance(by: .milliseconds(999))
        #expect(try await cache.value(for: "A")?.value == 1)
        #expect(source.asked.count == 1)
        time.advance(by: .milliseconds(1))
        let ageing = try #require(try await cache.value(for: "A"))
        #expect(ageing.value == 1 && ageing.age == .seconds(1) && ageing.freshness == .stale(.ageing))
        #expect(!ageing.isDegraded)
        await until { source.asked.count == 2 && cache.snapshot.fetching == 0 }
        #expect(try await cache.value(for: "A")?.value == 2)
        source.set("A", 3)
        time.advance(by: .seconds(10))
        #expect(try await cache.value(for: "A")?.value == 3)
    }

    @Test("however slow the fetches, no value is served longer than it may be after it has changed")
    func neverTooOld() async throws {
        let source = SourceDouble(["A": 1, "B": 10])
        let cache = cache(source) {
            $0.staleAge = .seconds(4)
            $0.errorAge = .seconds(4)
        }
        _ = try await cache.value(for: "A")
        time.advance(by: .seconds(3))
        // A is served from memory at first, but B takes so long that A is too old in the end.
        source.hold()
        let both = Task { try await cache.values(for: ["A", "B"]) }
        await until { source.asked.count == 3 }
        source.set("A", 2)
        time.advance(by: .milliseconds(1500))
        source.letGo()
        let found = try await both.value
        let price = try #require(found["A"])
        #expect(price.age <= .seconds(4))
        #expect(found["B"]?.age == .milliseconds(1500))
    }

    @Test("what the source does not know is asked for again the next time")
    func unknown() async throws {
        let source = SourceDouble()
        let cache = cache(source)
        #expect(try await cache.value(for: "A") == nil)
        source.set("A", 1)
        #expect(try await cache.value(for: "A")?.value == 1)
        source.set("A", nil)
        time.advance(by: .seconds(10))
        #expect(try await cache.value(for: "A") == nil)
    }

    @Test("who joins a fetch that began before the value was there asks again, and all of them together")
    func addedMeanwhile() async throws {
        let source = SourceDouble(isHeld: true)
        let cache = cache(source)
        let early = Task { try await cache.value(for: "A") }
        await until { source.asked.count == 1 }
        source.set("A", 1)
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<8 { group.addTask { try await cache.value(for: "A")?.value } }
            await until { cache.snapshot.missed == 9 }
            source.letGo()
            for try await value in group { #expect(value == 1) }
        }
        #expect(try await early.value == nil)
        #expect(source.asked.count == 2)
    }

    @Test("more values than there is room for are all answered")
    func tooMany() async throws {
        let names = (0..<20).map { "\($0)" }
        let source = SourceDouble(Dictionary(uniqueKeysWithValues: names.map { ($0, 1) }))
        let cache = cache(source) { $0.capacity = 5 }
        #expect(try await cache.values(for: names).count == 20)
        #expect(cache.snapshot.count == 5 && cache.snapshot.evicted == 15)
    }

    @Test("it counts what it does")
    func snapshot() async throws {
        let source = SourceDouble(["A": 1])
        let cache = cache(source)
        _ = try await cache.values(for: ["A", "B"])
        _ = try await cache.value(for: "A")
        time.advance(by: .seconds(2))
        _ = try await cache.value(for: "A")
        await until { cache.snapshot.fetching == 0 }
        let snapshot = cache.snapshot
        #expect((snapshot.count, snapshot.fresh, snapshot.stale, snapshot.missed) == (1, 1, 1, 2))
        #expect((snapshot.fetches, snapshot.failedFetches, snapshot.evicted) == (2, 0, 0))
    }

    @Test("under many callers, cancellations and changing answers nobody is left waiting, and no fetch is left over")
    func storm() async {
        let source = SourceDouble(["0": 0, "1": 1, "2": 2])
        let time = SystemTime()
        var configuration = StaleCacheConfiguration()
        configuration.freshAge = .microseconds(50)
        configuration.capacity = 3
        let cache = StaleCache<String, Int>(name: "prices", configuration: configuration, time: time) {
            try await source.fetch($0, $1)
        }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<400 {
                group.addTask {
                    let keys = [index % 3, index % 7, index % 4].map { "\($0)" }
                    let task = Task { try await cache.values(for: keys) }
                    if index % 5 == 0 { task.cancel() }
                    source.setDown(index % 11 == 0)
                    guard let found = try? await task.value else { return }
                    for (key, cached) in found { #expect("\(cached.value)" == key) }
                }
            }
        }
        await until { cache.snapshot.fetching == 0 }
        #expect(cache.snapshot.count <= 3)
    }

    @Test("numbers that make no sense are named")
    func faults() {
        #expect(StaleCacheConfiguration().faults.isEmpty)
        var configuration = StaleCacheConfiguration()
        configuration.freshAge = .seconds(-1)
        configuration.staleAge = .seconds(-2)
        configuration.errorAge = .seconds(-3)
        configuration.fetchTimeout = .zero
        configuration.pauseAfterFailure = .seconds(-1)
        configuration.capacity = 0
        #expect(configuration.faults.count == 7)
    }
}

import Clocks
import Testing

@testable import Resilience

struct StaleCacheModelTests {
    /// A value the source had from some moment on. Everything ever fetched is kept, in the order it was taken in.
    private struct Naive {
        struct Entry {
            let key: Int
            let value: Int
            let fetchedAt: MonotonicInstant
        }

        var entries: [Entry] = []
        var failedAt: [Int: MonotonicInstant] = [:]
        /// Keys in the order of their last use.
        var uses: [Int] = []
        /// The latest fetch of each key, while it is under way.
        var latest: [Int: (number: UInt64, startedAt: MonotonicInstant)] = [:]
        let configuration: StaleCacheConfiguration

        func entry(_ key: Int) -> Entry? { entries.last { $0.key == key } }

        mutating func use(_ key: Int) {
            uses.removeAll { $0 == key }
            uses.append(key)
        }

        mutating func forget(_ key: Int) {
            entries.removeAll { $0.key == key }
            uses.removeAll { $0 == key }
            failedAt[key] = nil
        }

        mutating func end(_ number: UInt64, _ keys: [Int]) {
            for key in keys where latest[key]?.number == number { latest[key] = nil }
        }

        func isFetched(_ key: Int, _ now: MonotonicInstant) -> Bool {
            latest[key].map { $0.startedAt.duration(to: now) < configuration.fetchTimeout } ?? false
        }

        mutating func land(_ keys: [Int], _ values: [Int: Int], _ startedAt: MonotonicInstant) {
            for key in keys {
                if let known = entry(key), known.fetchedAt > startedAt { continue }
                guard let value = values[key] else {
                    forget(key)
                    continue
                }
                let isNew = entry(key) == nil
                entries.append(Entry(key: key, value: value, fetchedAt: startedAt))
                failedAt[key] = nil
                if isNew { use(key) }
                while uses.count > configuration.capacity { forget(uses[0]) }
            }
        }

        mutating func fail(_ keys: [Int], _ now: MonotonicInstant) {
            for key in keys where entry(key) != nil { failedAt[key] = now }
        }

        mutating func find(_ key: Int, _ now: MonotonicInstant) -> (value: Int, freshness: Freshness)? {
            guard let entry = entry(key) else { return nil }
            use(key)
            let age = entry.fetchedAt.duration(to: now)
            if age < configuration.freshAge { return (entry.value, .fresh) }
            let isPaused = failedAt[key].map { $0.duration(to: now) < configuration.pauseAfterFailure } ?? false
            if isPaused { return age <= configuration.errorAge ? (entry.value, .stale(.fetchFailed)) : nil }
            return age <= configuration.staleAge ? (entry.value, .stale(.ageing)) : nil
        }
    }

    @Test(
        "it agrees with a cache that keeps everything, whatever the order of fetches and ends",
        arguments: replayable(0..<80))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var configuration = StaleCacheConfiguration()
        configuration.capacity = [1, 3, 100][pick(3)]
        configuration.errorAge = .seconds([5, 20][pick(2)])
        var machine = StaleCacheMachine<Int, Int>(configuration)
        var naive = Naive(configuration: configuration)
        var flights: [(number: UInt64, keys: [Int], startedAt: MonotonicInstant)] = []
        var now = MonotonicInstant(nanoseconds: 0)
        for step in 0..<250 {
            now = now.advanced(by: .milliseconds([0, 10, 400, 3000][pick(4)]))
            let keys = Array(Set((0...pick(3)).map { _ in pick(6) })).sorted()
            switch pick(4) {
            case 0:
                let number = machine.begin(keys, now: now)
                flights.append((number, keys, now))
                for key in keys { naive.latest[key] = (number, now) }
            case 1 where !flights.isEmpty:
                let flight = flights.remove(at: pick(flights.count))
                let known = flight.keys.filter { _ in pick(5) > 0 }
                let values = Dictionary(uniqueKeysWithValues: known.map { ($0, step) })
                machine.land(flight.number, flight.keys, values, startedAt: flight.startedAt)
                naive.end(flight.number, flight.keys)
                naive.land(flight.keys, values, flight.startedAt)
            case 2 where !flights.isEmpty:
                let flight = flights.remove(at: pick(flights.count))
                machine.fail(flight.number, flight.keys, now: now)
                naive.end(flight.number, flight.keys)
                naive.fail(flight.keys, now)
            default:
                let found = machine.find(keys, now: now)
                for key in keys {
                    let expected = naive.find(key, now)
                    let served = found.served[key]
                    #expect(served?.value == expected?.value, "seed \(seed)")
                    #expect(served?.freshness == expected?.freshness, "seed \(seed)")
                    #expect(found.missing.contains(key) == (expected == nil), "seed \(seed)")
                    let isToFetch = expected?.freshness == .stale(.ageing) && !naive.isFetched(key, now)
                    #expect(found.ageing.contains(key) == isToFetch, "seed \(seed)")
                    #expect((machine.number(of: key, now: now) != nil) == naive.isFetched(key, now), "seed \(seed)")
                }
            }
            #expect(machine.count == naive.uses.count && machine.count <= configuration.capacity, "seed \(seed)")
        }
        for flight in flights { machine.fail(flight.number, flight.keys, now: now) }
        #expect(machine.fetching == 0, "seed \(seed)")
    }
}

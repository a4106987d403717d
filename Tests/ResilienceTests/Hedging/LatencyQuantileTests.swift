import Clocks
import Resilience
import Testing

struct LatencyQuantileTests {
    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    /// From below a microsecond to a minute, each order of magnitude as often.
    private func latency(_ random: SeededRandom) -> Duration {
        let magnitude: Int64 = [100, 10_000, 1_000_000, 100_000_000, 60_000_000_000][Int(random.next() % 5)]
        return .nanoseconds(Int64(random.nextUnit() * Double(magnitude)))
    }

    @Test("it is never below the truth, and above it by at most 1/32 and a microsecond", arguments: replayable(0..<25))
    func errorBound(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        var sketch = LatencyQuantile(window: .seconds(10))
        let samples = (0..<(1 + Int(random.next() % 3000))).map { _ in latency(random) }
        for sample in samples { sketch.record(sample, now: at(0)) }
        let sorted = samples.sorted()
        for quantile in [0.0001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let rank = max(1, Int((quantile * Double(sorted.count)).rounded(.up)))
            let truth = sorted[rank - 1]
            let found = sketch.value(quantile, now: at(0))
            let value = try #require(found)
            #expect(value >= truth, "seed \(seed), quantile \(quantile)")
            #expect(value <= truth * 33 / 32 + .nanoseconds(1032), "seed \(seed), quantile \(quantile)")
        }
    }

    @Test("it regards the current window and the one before, and nothing older", arguments: replayable(0..<50))
    func windows(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var sketch = LatencyQuantile(window: .seconds(1))
        var all: [(window: Int64, latency: Duration)] = []
        var now: Int64 = 0
        for _ in 0..<400 {
            now += [0, 3, 200, 1300][Int(random.next() % 4)]
            let sample = Duration.microseconds(Int64(random.next() % 64))
            sketch.record(sample, now: at(now))
            all.append((now / 1000, sample))
            let regarded = all.filter { $0.window >= now / 1000 - 1 }.map(\.latency).sorted()
            #expect(sketch.count(now: at(now)) == regarded.count, "seed \(seed)")
            // Up to 63 microseconds it is exact.
            #expect(sketch.value(0.5, now: at(now)) == regarded[(regarded.count + 1) / 2 - 1], "seed \(seed)")
        }
    }

    @Test("without samples there is no quantile, also when they have become too old")
    func empty() {
        var sketch = LatencyQuantile(window: .seconds(1))
        #expect(sketch.value(0.5, now: at(0)) == nil)
        sketch.record(.seconds(1), now: at(0))
        #expect(sketch.count(now: at(1999)) == 1)
        #expect(sketch.value(0.5, now: at(2000)) == nil)
    }

    @Test("what is too long to tell apart, or negative, has a place too")
    func extremes() {
        var sketch = LatencyQuantile(window: .seconds(1))
        sketch.record(.seconds(-5), now: at(0))
        #expect(sketch.value(1, now: at(0)) == .zero)
        sketch.record(.nanoseconds(Int64.max), now: at(0))
        #expect(sketch.value(1, now: at(0)) == .microseconds((1 << 27) - 1))
    }

    @Test("a moment before the last one belongs to the current window")
    func backwards() {
        var sketch = LatencyQuantile(window: .seconds(1))
        sketch.record(.microseconds(1), now: at(5000))
        sketch.record(.microseconds(2), now: at(10))
        #expect(sketch.count(now: at(5000)) == 2)
    }
}

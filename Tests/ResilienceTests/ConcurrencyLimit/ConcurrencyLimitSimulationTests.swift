import Clocks
import Testing

@testable import Resilience

/// The limit before a simulated server. `service` is the mean time of service there: latency without queueing.
struct ConcurrencyLimitSimulationTests {
    private static let gradient = ConcurrencyLimitConfiguration()

    private static let additive = {
        var configuration = ConcurrencyLimitConfiguration()
        configuration.algorithm = .additiveIncrease(.init(latencyLimit: .milliseconds(60)))
        return configuration
    }()

    struct Case: Sendable, CustomTestStringConvertible {
        let workers: Int
        let load: Double
        let seed: UInt64

        var testDescription: String { "\(workers) workers, \(load) of capacity, seed \(seed)" }
    }

    private static func cases(_ loads: [Double]) -> [Case] {
        var cases: [Case] = []
        for workers in [8, 16, 32] {
            for load in loads {
                for seed in UInt64(1)...2 { cases.append(Case(workers: workers, load: load, seed: seed)) }
            }
        }
        return cases
    }

    private func simulation(
        _ configuration: ConcurrencyLimitConfiguration = gradient, workers: Int = 16, seed: UInt64 = 1
    ) -> QueueSimulation {
        QueueSimulation(configuration, workers: workers, service: .milliseconds(20), seed: seed)
    }

    @Test(
        "under overload it serves nearly all it can, with bounded latency, at a limit near the ideal",
        arguments: cases([1, 1.3, 2, 3]))
    func overload(given: Case) {
        var simulation = simulation(workers: given.workers, seed: given.seed)
        _ = simulation.run(seconds: 5, rate: given.load * simulation.capacity)
        let report = simulation.run(seconds: 15, rate: given.load * simulation.capacity)
        #expect(report.throughput >= 0.9 * simulation.capacity)
        #expect(report.meanLatency <= 2.5 * simulation.service)
        let ideal = Double(given.workers)
        #expect(report.meanLimit >= ideal && report.meanLimit <= 4 * ideal)
    }

    @Test("below capacity it serves all but the odd call", arguments: cases([0.5, 0.8]))
    func underload(given: Case) {
        var simulation = simulation(workers: given.workers, seed: given.seed)
        _ = simulation.run(seconds: 10, rate: given.load * simulation.capacity)
        let report = simulation.run(seconds: 30, rate: given.load * simulation.capacity)
        #expect(report.refusedShare <= 0.04)
        #expect(report.meanLatency <= 1.6 * simulation.service)
    }

    @Test("additive increase too serves nearly all it can, with latency near its bound", arguments: cases([1.3, 3]))
    func additiveIncrease(given: Case) {
        var simulation = simulation(Self.additive, workers: given.workers, seed: given.seed)
        _ = simulation.run(seconds: 10, rate: given.load * simulation.capacity)
        let report = simulation.run(seconds: 15, rate: given.load * simulation.capacity)
        #expect(report.throughput >= 0.9 * simulation.capacity)
        #expect(report.meanLatency <= 66e6)
        #expect(report.limits.allSatisfy { $0 <= 5 * given.workers })
    }

    @Test("when overload ends nothing of it is left", arguments: UInt64(1)...5)
    func recovery(seed: UInt64) {
        var simulation = simulation(seed: seed)
        _ = simulation.run(seconds: 30, rate: 3 * simulation.capacity)
        _ = simulation.run(seconds: 2, rate: 0.5 * simulation.capacity)
        let after = simulation.run(seconds: 10, rate: 0.5 * simulation.capacity)
        #expect(after.refusedShare <= 0.01)
        #expect(after.meanLatency <= 1.2 * simulation.service)
    }

    @Test("mild overload for a long time does not let the limit grow", arguments: UInt64(1)...3)
    func mildOverload(seed: UInt64) {
        var simulation = simulation(seed: seed)
        _ = simulation.run(seconds: 10, rate: 1.1 * simulation.capacity)
        for _ in 0..<10 {
            let report = simulation.run(seconds: 30, rate: 1.1 * simulation.capacity)
            #expect(report.meanLimit <= 4 * 16)
            #expect(report.meanLatency <= 2.5 * simulation.service)
            #expect(report.throughput >= 0.9 * simulation.capacity)
        }
    }

    @Test("when all calls become slower without any queue, the limit follows soon", arguments: UInt64(1)...5)
    func latencyStep(seed: UInt64) {
        // So many workers that nobody ever waits for one: a far service whose network has become slower.
        var simulation = simulation(workers: 500, seed: seed)
        _ = simulation.run(seconds: 10, rate: 500)
        simulation.service = 60e6
        _ = simulation.run(seconds: 5, rate: 500)
        #expect(simulation.run(seconds: 10, rate: 500).refusedShare <= 0.03)
        simulation.service = 200e6
        _ = simulation.run(seconds: 15, rate: 500)
        #expect(simulation.run(seconds: 10, rate: 500).refusedShare <= 0.05)
        // And back: what the slow time needed does not stay.
        simulation.service = 20e6
        _ = simulation.run(seconds: 25, rate: 500)
        let last = simulation.run(seconds: 5, rate: 500)
        #expect(last.refusedShare <= 0.005)
        #expect(last.meanLimit <= 50)
    }

    @Test("one pause is not taken for load: the limit stays where it is", arguments: UInt64(1)...5)
    func pause(seed: UInt64) {
        var simulation = simulation(seed: seed)
        _ = simulation.run(seconds: 20, rate: 0.8 * simulation.capacity)
        let before = Double(simulation.machine.limit)
        simulation.pause(.milliseconds(300))
        let after = simulation.run(seconds: 2, rate: 0.8 * simulation.capacity)
        #expect(Double(after.limits.min() ?? 0) >= 0.75 * before)
        #expect(simulation.run(seconds: 5, rate: 0.8 * simulation.capacity).refusedShare <= 0.03)
    }

    @Test("work that becomes slower and faster bit by bit is followed under load", arguments: UInt64(1)...2)
    func drift(seed: UInt64) {
        var simulation = simulation(seed: seed)
        for step in 0..<20 {
            simulation.service = 20e6 * (1 + Double(10 - abs(step - 10)) / 5)
            let report = simulation.run(seconds: 10, rate: 1.2 * simulation.capacity)
            #expect(report.throughput >= 0.85 * simulation.capacity, "step \(step)")
            #expect(report.meanLatency <= 3 * simulation.service, "step \(step)")
        }
    }

    @Test("a limit that is far too large at first finds its place within seconds", arguments: UInt64(1)...3)
    func tooLargeAtFirst(seed: UInt64) {
        var configuration = ConcurrencyLimitConfiguration()
        configuration.initialLimit = 500
        var simulation = simulation(configuration, seed: seed)
        _ = simulation.run(seconds: 15, rate: 2 * simulation.capacity)
        let report = simulation.run(seconds: 10, rate: 2 * simulation.capacity)
        #expect(report.meanLatency <= 3 * simulation.service)
        #expect(report.throughput >= 0.9 * simulation.capacity)
    }

    @Test("a limit that is far too small at first grows as fast as load needs it", arguments: [gradient, additive])
    func tooSmallAtFirst(configuration: ConcurrencyLimitConfiguration) {
        var configuration = configuration
        configuration.initialLimit = 2
        var simulation = simulation(configuration, workers: 64)
        _ = simulation.run(seconds: 8, rate: 0.8 * simulation.capacity)
        #expect(simulation.run(seconds: 10, rate: 0.8 * simulation.capacity).refusedShare <= 0.03)
    }

    @Test("a limit that nobody fills does not grow", arguments: [gradient, additive])
    func unused(configuration: ConcurrencyLimitConfiguration) {
        var simulation = simulation(configuration, workers: 500)
        let report = simulation.run(seconds: 60, rate: 150)
        #expect(report.limits.allSatisfy { $0 <= 20 })
        #expect(report.refusedShare == 0)
    }

    @Test("it sheds background calls before normal ones, and critical ones last", arguments: UInt64(1)...3)
    func priorities(seed: UInt64) {
        var simulation = simulation(seed: seed)
        simulation.mix = [(.critical, 0.2), (.normal, 0.4), (.background, 0.4)]
        _ = simulation.run(seconds: 5, rate: 1.5 * simulation.capacity)
        let report = simulation.run(seconds: 20, rate: 1.5 * simulation.capacity)
        #expect(report.refusedShare(.critical) <= 0.02)
        #expect(report.refusedShare(.normal) <= 0.3)
        #expect(report.refusedShare(.background) >= 0.5)
        #expect(report.throughput >= 0.9 * simulation.capacity)
    }

    @Test("calls lost to timeouts shrink the limit until they are rare", arguments: [gradient, additive])
    func timeouts(configuration: ConcurrencyLimitConfiguration) {
        var configuration = configuration
        configuration.initialLimit = 200
        configuration.algorithm =
            switch configuration.algorithm {
            case .gradient: .gradient()
            case .additiveIncrease: .additiveIncrease(.init(latencyLimit: .seconds(1)))
            }
        var simulation = simulation(configuration)
        simulation.timeout = 150_000_000
        _ = simulation.run(seconds: 20, rate: 2 * simulation.capacity)
        let report = simulation.run(seconds: 10, rate: 2 * simulation.capacity)
        let late = report.latencies.count { $0 > 150e6 }
        #expect(Double(late) <= 0.05 * Double(report.latencies.count))
        #expect(report.throughput >= 0.85 * simulation.capacity)
    }
}

import Clocks

@testable import Resilience

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A limit before a queueing model of a server, in virtual time: Poisson arrivals, exponential service, any number of
/// workers with one queue (M/M/c). Seeded, so that a run can be repeated.
struct QueueSimulation {
    /// What happened in a stretch of a run.
    struct Report {
        var offered = 0
        var refused: [CallPriority: Int] = [:]
        var offeredBy: [CallPriority: Int] = [:]
        var latencies: [Double] = []
        /// Of the limit, at the arrivals.
        var limits: [Int] = []
        var seconds = 0.0

        var throughput: Double { Double(latencies.count) / seconds }
        var meanLatency: Double { latencies.reduce(0, +) / Double(max(1, latencies.count)) }
        var meanLimit: Double { Double(limits.reduce(0, +)) / Double(max(1, limits.count)) }
        var refusedShare: Double { Double(refused.values.reduce(0, +)) / Double(max(1, offered)) }

        func latency(quantile: Double) -> Double {
            latencies.sorted()[min(latencies.count - 1, Int(quantile * Double(latencies.count)))]
        }

        func refusedShare(_ priority: CallPriority) -> Double {
            Double(refused[priority] ?? 0) / Double(max(1, offeredBy[priority] ?? 0))
        }
    }

    private struct Call {
        var startedAt: Int64
        var endsAt: Int64
    }

    private(set) var machine: ConcurrencyLimitMachine
    private let random: SeededRandom
    /// When each worker is free.
    private var workers: [Int64]
    /// A heap with the one that ends first on top.
    private var calls: [Call] = []
    private var now: Int64 = 1_000_000_000
    private var nextArrival: Int64?
    private var lastRefill: Int64 = 0

    /// Mean time of service, in nanoseconds.
    var service: Double
    /// What share of the calls each priority has.
    var mix: [(CallPriority, Double)] = [(.normal, 1)]
    /// Calls that take longer count as dropped; their caller has gone, but the server works on them to the end.
    var timeout = Int64.max

    init(_ configuration: ConcurrencyLimitConfiguration, workers: Int, service: Duration, seed: UInt64) {
        machine = ConcurrencyLimitMachine(configuration, now: MonotonicInstant(nanoseconds: now))
        self.workers = [Int64](repeating: 0, count: workers)
        self.service = Double(service.wholeNanoseconds)
        random = SeededRandom(seed: seed)
    }

    /// Calls a second that the server can serve.
    var capacity: Double { Double(workers.count) / service * 1e9 }

    /// Offers this many calls a second for this long.
    mutating func run(seconds: Double, rate: Double) -> Report {
        var report = Report(seconds: seconds)
        let end = now + Int64(seconds * 1e9)
        nextArrival = now + exponential(1e9 / rate)
        while true {
            let arrival = nextArrival ?? .max
            if let first = calls.first, first.endsAt <= min(arrival, end) {
                finishFirst(&report)
            } else if arrival <= end {
                now = arrival
                nextArrival = now + exponential(1e9 / rate)
                arrive(&report)
            } else {
                now = end
                return report
            }
        }
    }

    /// Nothing moves for so long, as in a garbage collection; what was under way ends later by as much.
    mutating func pause(_ duration: Duration) {
        let length = duration.wholeNanoseconds
        for index in calls.indices { calls[index].endsAt += length }
        for index in workers.indices { workers[index] = max(workers[index], now) + length }
    }

    private mutating func arrive(_ report: inout Report) {
        let priority = drawPriority()
        report.offered += 1
        report.offeredBy[priority, default: 0] += 1
        report.limits.append(machine.limit)
        guard machine.admit(priority, now: MonotonicInstant(nanoseconds: now)) else {
            report.refused[priority, default: 0] += 1
            return
        }
        var first = 0
        for index in workers.indices where workers[index] < workers[first] { first = index }
        let endsAt = max(now, workers[first]) + exponential(service)
        workers[first] = endsAt
        push(Call(startedAt: now, endsAt: endsAt))
    }

    private mutating func finishFirst(_ report: inout Report) {
        let call = pop()
        now = call.endsAt
        let latency = call.endsAt - call.startedAt
        report.latencies.append(Double(latency))
        let outcome: LimitedCallOutcome = latency > timeout ? .dropped : .success
        _ = machine.finish(
            outcome, startedAt: MonotonicInstant(nanoseconds: call.startedAt), now: MonotonicInstant(nanoseconds: now))
    }

    private func exponential(_ mean: Double) -> Int64 {
        max(1, Int64(-mean * log(1 - random.nextUnit())))
    }

    private func drawPriority() -> CallPriority {
        var rest = random.nextUnit()
        for (priority, share) in mix {
            rest -= share
            if rest < 0 { return priority }
        }
        return mix[0].0
    }

    private mutating func push(_ call: Call) {
        calls.append(call)
        var child = calls.count - 1
        while child > 0, calls[child].endsAt < calls[(child - 1) / 2].endsAt {
            calls.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() -> Call {
        let first = calls[0]
        calls.swapAt(0, calls.count - 1)
        calls.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < calls.count && calls[child].endsAt < calls[least].endsAt {
                least = child
            }
            guard least != parent else { return first }
            calls.swapAt(parent, least)
            parent = least
        }
    }
}

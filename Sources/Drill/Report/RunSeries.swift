import Invariants

/// A run second by second, for the plots.
struct RunSeries {
    /// Whole seconds that the run took.
    let seconds: Int
    /// Orders answered in each second, by what came of them.
    private(set) var ok: [Double]
    private(set) var failed: [Double]
    private(set) var unknown: [Double]
    /// The share of a second's orders that were not taken; nil where none was placed.
    private(set) var errorShare: [Double?]
    /// Percentiles of the time from when an order was due to its answer, in seconds.
    private(set) var p50: [Double?]
    private(set) var p95: [Double?]
    private(set) var p99: [Double?]

    init(_ operations: [Operation], until nanoseconds: Int64) {
        let placed = operations.filter { $0.kind == .place }
        let end = max(nanoseconds, placed.map(\.completedAt).max() ?? 0)
        seconds = Int(end / 1_000_000_000) + 1
        ok = Array(repeating: 0, count: seconds)
        failed = ok
        unknown = ok
        var latencies: [[Int64]] = Array(repeating: [], count: seconds)
        for operation in placed {
            let second = Int(operation.completedAt / 1_000_000_000)
            switch operation.outcome {
            case .ok: ok[second] += 1
            case .fail: failed[second] += 1
            case .info: unknown[second] += 1
            }
            latencies[second].append(operation.completedAt - operation.invokedAt)
        }
        errorShare = (0..<seconds).map { [ok, failed, unknown] second in
            let all = ok[second] + failed[second] + unknown[second]
            return all == 0 ? nil : (failed[second] + unknown[second]) / all
        }
        func percentile(_ rank: Double) -> [Double?] {
            latencies.map { Percentiles.of($0, rank).map { Double($0) / 1e9 } }
        }
        p50 = percentile(50)
        p95 = percentile(95)
        p99 = percentile(99)
    }

    /// What each breaker was, in spans of one state; those that stayed closed are left out.
    static func breakerSpans(
        _ samples: [Sampler.Sample]
    ) -> [(name: String, spans: [(from: Double, to: Double, style: String, state: String)])] {
        let names = Set(samples.flatMap { sample in sample.breakers.filter { $0.value != 0 }.map(\.key) }).sorted()
        return names.map { name in
            var spans: [(from: Double, to: Double, style: String, state: String)] = []
            for (sample, next) in zip(samples, samples.dropFirst()) {
                guard let state = sample.breakers[name] else { continue }
                let style = state == 1 ? "open" : state == 2 ? "half" : "closed"
                let from = Double(sample.at) / 1e9
                let to = Double(next.at) / 1e9
                if let last = spans.last, last.style == style, from - last.to < 0.01 {
                    spans[spans.count - 1].to = to
                } else {
                    spans.append((from, to, style, state == 1 ? "open" : state == 2 ? "half-open" : "closed"))
                }
            }
            return (name, spans)
        }
    }
}

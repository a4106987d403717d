import Clocks
import HTTPClient
import Invariants

/// A probe with what it measured.
package struct Measured: Sendable {
    package var probe: Probe
    /// As it was compared; what kept it from being measured otherwise.
    package var value: String
    package var holds: Bool
}

/// Measures the steady state.
struct ProbeRunner: Sendable {
    let client: SuiteClient
    let history: History
    let random: any RandomSource

    func measure(_ probe: Probe) async -> Measured {
        switch probe.measure {
        case .http(let target, let isAdmin, let path, let member):
            return await http(probe, target, isAdmin: isAdmin, path: path, member: member)
        case .metric(let target, let name, let labels, let isMaximum):
            return await metric(probe, target, name, labels, isMaximum: isMaximum)
        case .latency(let percentile, let over):
            let latencies = recent(over).filter { $0.outcome == .ok }.map { $0.completedAt - $0.invokedAt }
            guard let value = Percentiles.of(latencies, percentile) else {
                return failed(probe, "no order was answered")
            }
            return compared(probe, String(Double(value / 1_000_000) / 1000))
        case .errors(let over):
            let operations = recent(over)
            guard !operations.isEmpty else { return failed(probe, "no order was placed") }
            let failures = operations.count { $0.outcome != .ok }
            return compared(probe, String(Double(failures * 10_000 / operations.count) / 10_000))
        }
    }

    private func recent(_ over: Duration) -> [Operation] {
        let since = history.now - over.wholeNanoseconds
        return history.operations.filter { $0.kind == .place && $0.invokedAt >= since }
    }

    private func compared(_ probe: Probe, _ value: String) -> Measured {
        Measured(probe: probe, value: value, holds: probe.tolerance.allows(value))
    }

    private func failed(_ probe: Probe, _ why: String) -> Measured { Measured(probe: probe, value: why, holds: false) }

    private func urls(_ selector: TargetSelector, isAdmin: Bool) -> [String] {
        let running = (try? client.view.running()) ?? []
        return selector.resolve(among: running, random: random).compactMap { target in
            isAdmin
                ? client.admin(target.name, replica: target.replica) : client.api(target.name, replica: target.replica)
        }
    }

    /// All targets must be within the tolerance; the first that is not is told.
    private func http(
        _ probe: Probe, _ target: TargetSelector, isAdmin: Bool, path: String, member: String?
    ) async -> Measured {
        var last = failed(probe, "\(target) does not run")
        for url in urls(target, isAdmin: isAdmin) {
            let answer = await client.send(.get, url + path, within: .seconds(3))
            if let failure = answer.failure { return failed(probe, "\(failure.code)") }
            if let member {
                var value = answer.root
                for name in member.split(separator: ".") { value = value?.member(named: String(name)) }
                guard let value else { return failed(probe, "the answer has no \(member)") }
                last = compared(probe, value.string ?? String(decoding: value.source, as: UTF8.self))
            } else {
                last = compared(probe, answer.status.map { String($0) } ?? "none")
            }
            if !last.holds { return last }
        }
        return last
    }

    private func metric(
        _ probe: Probe, _ target: TargetSelector, _ name: String, _ labels: [String: String], isMaximum: Bool
    ) async -> Measured {
        var values: [Double] = []
        for url in urls(target, isAdmin: true) {
            let answer = await client.send(.get, url + "/metrics", within: .seconds(3))
            guard answer.isOK else { return failed(probe, "\(target) does not answer") }
            let metrics = MetricsText(String(decoding: answer.body, as: UTF8.self))
            values += metrics.find(name, labels).map(\.value)
            // A counter that never counted has no series yet: that is 0, while a mistyped name is nothing.
            if metrics.families.contains(name) { values.append(0) }
        }
        guard !values.isEmpty else { return failed(probe, "\(target) has no \(name) with these labels") }
        return compared(probe, String(isMaximum ? values.max() ?? 0 : values.reduce(0, +)))
    }
}

/// Percentiles of what was measured, by nearest rank.
enum Percentiles {
    static func of(_ values: [Int64], _ percentile: Double) -> Int64? {
        guard !values.isEmpty else { return nil }
        return ofSorted(values.sorted(), percentile)
    }

    static func ofSorted(_ sorted: [Int64], _ percentile: Double) -> Int64 {
        let rank = Int((percentile / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}

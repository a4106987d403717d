import Clocks
import Testing

@testable import Resilience

/// Endpoints by name, with everything that was ever said about them.
private struct NaiveBalancer {
    struct Endpoint {
        var results: [CallOutcome] = []
        var ejectedUntil: MonotonicInstant?
        var onProbation = false
        var ejections = 0
        var life = 0
        var born: Int
    }

    let configuration: LoadBalancerConfiguration
    var endpoints: [Int: Endpoint] = [:]
    var births = 0

    var maximumEjected: Int {
        endpoints.count < 2
            ? 0 : min(endpoints.count - 1, max(1, Int(configuration.maximumEjectedShare * Double(endpoints.count))))
    }

    var ejected: [Int] { endpoints.filter { $0.value.ejectedUntil != nil }.keys.sorted() }

    var isPanicking: Bool {
        Double(endpoints.count - ejected.count) / Double(max(1, endpoints.count)) < configuration.panicShare
    }

    mutating func advance(now: MonotonicInstant) {
        for name in ejected where endpoints[name]?.ejectedUntil.map({ $0 <= now }) ?? false { takeBack(name) }
    }

    private mutating func takeBack(_ name: Int) {
        endpoints[name]?.ejectedUntil = nil
        endpoints[name]?.onProbation = true
        endpoints[name]?.results = []
        endpoints[name]?.life += 1
    }

    /// Whom the next call may go to.
    func allowed(excluding tried: [Int]) -> Set<Int> {
        let working = Set(endpoints.keys).subtracting(isPanicking ? [] : ejected)
        let fresh = working.subtracting(tried)
        return fresh.isEmpty ? working : fresh
    }

    mutating func finish(_ name: Int, life: Int, born: Int, _ outcome: CallOutcome, now: MonotonicInstant) {
        guard var endpoint = endpoints[name], endpoint.born == born, endpoint.life == life,
            endpoint.ejectedUntil == nil, outcome != .neutral
        else { return }
        endpoint.results.append(outcome)
        endpoints[name] = endpoint
        let limit = configuration.consecutiveFailures ?? .max
        let needed = endpoint.onProbation ? (limit + 1) / 2 : limit
        guard endpoint.results.count >= needed, endpoint.results.suffix(needed).allSatisfy({ $0 == .failure }),
            ejected.count < maximumEjected
        else { return }
        endpoint.ejections += 1
        endpoint.ejectedUntil = now.advanced(by: .seconds(min(10 << (endpoint.ejections - 1), 80)))
        endpoint.life += 1
        endpoints[name] = endpoint
    }

    mutating func set(_ names: [Int], isFirst: Bool) {
        endpoints = endpoints.filter { names.contains($0.key) }
        for name in names where endpoints[name] == nil {
            births += 1
            endpoints[name] = Endpoint(onProbation: !isFirst, born: births)
        }
        while ejected.count > maximumEjected {
            let first = ejected.min { left, right in
                let (leftEnd, rightEnd) = (endpoints[left]?.ejectedUntil, endpoints[right]?.ejectedUntil)
                return leftEnd == rightEnd
                    ? names.firstIndex(of: left) ?? 0 < names.firstIndex(of: right) ?? 0
                    : leftEnd ?? .distantFuture < rightEnd ?? .distantFuture
            }
            if let first { takeBack(first) }
        }
    }
}

struct LoadBalancerModelTests {
    @Test(
        "it ejects, takes back and chooses as a balancer that remembers everything would",
        arguments: replayable(0..<150))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var configuration = LoadBalancerConfiguration()
        configuration.consecutiveFailures = 1 + pick(5)
        configuration.maximumEjectedShare = [0.1, 0.5, 0.9, 1][pick(4)]
        configuration.panicShare = [0, 0.3, 0.5][pick(3)]
        configuration.ejectionTime = .exponential(base: .seconds(10), factor: 2, cap: .seconds(80), jitter: 0)
        // Rates have tests of their own; here nothing is judged, and so nothing is forgiven.
        configuration.interval = .seconds(1_000_000)

        var now = MonotonicInstant(nanoseconds: 1)
        var names = Array(0..<pick(6))
        var machine = LoadBalancerMachine(configuration, count: names.count, seed: seed, now: now)
        var naive = NaiveBalancer(configuration: configuration)
        naive.set(names, isFirst: true)
        var calls: [(ticket: LoadBalancerMachine.Ticket, name: Int, life: Int, born: Int)] = []
        var changes: [LoadBalancerMachine.Change] = []

        for _ in 0..<1500 {
            now = now.advanced(by: [.zero, .milliseconds(pick(500)), .seconds(pick(12))][pick(3)])
            let input = pick(100)
            if input < 48 {
                let tried = (0..<pick(3)).map { _ in pick(8) }
                naive.advance(now: now)
                let allowed = naive.allowed(excluding: tried)
                let places = tried.compactMap { names.firstIndex(of: $0) }
                let ticket = machine.pick(excluding: places, now: now, jitter: random, changes: &changes)
                #expect((ticket == nil) == names.isEmpty, "seed \(seed)")
                guard let ticket else { continue }
                let name = names[ticket.index]
                #expect(allowed.contains(name), "seed \(seed)")
                guard let endpoint = naive.endpoints[name] else { continue }
                calls.append((ticket, name, endpoint.life, endpoint.born))
            } else if input < 97, !calls.isEmpty {
                let call = calls.remove(at: pick(calls.count))
                // Some endpoints are worse than others.
                let outcome: CallOutcome = pick(8) == 0 ? .neutral : pick(10) < call.name * 2 ? .failure : .success
                naive.advance(now: now)
                _ = machine.finish(call.ticket, outcome, now: now, jitter: random, changes: &changes)
                naive.finish(call.name, life: call.life, born: call.born, outcome, now: now)
            } else if pick(3) == 0 {
                let old = names
                names = (0..<8).filter { _ in pick(2) == 0 }.reversed()
                machine.replace(names.map { old.firstIndex(of: $0) }, now: now, changes: &changes)
                naive.set(names, isFirst: old.isEmpty)
            }
            let ejected = zip(names, machine.hosts).filter { $0.1.isEjected }.map(\.0).sorted()
            #expect(ejected == naive.ejected, "seed \(seed)")
            #expect(names.isEmpty || ejected.count < names.count, "seed \(seed)")
            #expect(machine.ejectedCount == ejected.count, "seed \(seed)")
            for (name, host) in zip(names, machine.hosts) {
                let underWay = calls.count { $0.name == name && $0.born == naive.endpoints[name]?.born }
                #expect(host.inFlight == underWay, "seed \(seed)")
            }
        }
    }

    @Test("a slow endpoint gets fewer calls, in proportion to what it can do", arguments: replayable(0..<5))
    func slowEndpoint(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var machine = LoadBalancerMachine(
            LoadBalancerConfiguration(), count: 4, seed: seed, now: MonotonicInstant(nanoseconds: 0))
        var changes: [LoadBalancerMachine.Change] = []
        var ends: [(at: Int64, ticket: LoadBalancerMachine.Ticket)] = []
        var picked = [0, 0, 0, 0]
        // A call every millisecond; three answer in 20 ms, one in 200 ms.
        for millisecond in Int64(0)..<20_000 {
            let now = MonotonicInstant(nanoseconds: millisecond * 1_000_000)
            ends.removeAll { end in
                guard end.at <= millisecond else { return false }
                _ = machine.finish(end.ticket, .success, now: now, jitter: random, changes: &changes)
                return true
            }
            guard let ticket = machine.pick(excluding: [], now: now, jitter: random, changes: &changes) else {
                continue
            }
            picked[ticket.index] += 1
            ends.append((millisecond + (ticket.index == 3 ? 200 : 20), ticket))
        }
        #expect(changes.isEmpty)
        let fast = picked[..<3]
        #expect(picked[3] < 1200)
        #expect((fast.max() ?? 0) < 2 * (fast.min() ?? 0))
        #expect(machine.hosts[3].latency.map { abs($0 - 200e6) < 1e6 } ?? false)
    }
}

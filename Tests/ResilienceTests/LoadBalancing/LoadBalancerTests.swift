import Clocks
import Resilience
import TestSupport
import Testing

struct LoadBalancerTests {
    private let time = TestTime()
    private let log = EventLog()

    private func balancer(
        _ endpoints: [String], seed: UInt64 = 1, _ change: (inout LoadBalancerConfiguration) -> Void = { _ in }
    ) -> LoadBalancer<String> {
        var configuration = LoadBalancerConfiguration()
        configuration.ejectionTime = .exponential(base: .seconds(30), factor: 2, cap: .seconds(300), jitter: 0)
        change(&configuration)
        return LoadBalancer(
            name: "shipping", endpoints: endpoints, configuration: configuration, time: time,
            random: SeededRandom(seed: seed), observer: log.observer)
    }

    private func lease(_ balancer: LoadBalancer<String>, excluding tried: [String] = []) -> LoadBalancerLease<String>? {
        switch balancer.pick(excluding: tried) {
        case .leased(let lease): lease
        case .rejected: nil
        }
    }

    /// Makes calls one after another; what comes of one depends on where it goes. How many went where.
    @discardableResult
    private func call(
        _ balancer: LoadBalancer<String>, times: Int, excluding tried: [String] = [],
        _ outcome: (String) -> CallOutcome = { _ in .success }
    ) -> [String: Int] {
        var picked: [String: Int] = [:]
        for _ in 0..<times {
            guard let lease = lease(balancer, excluding: tried) else { continue }
            let endpoint = lease.endpoint
            picked[endpoint, default: 0] += 1
            lease.finish(outcome(endpoint))
        }
        return picked
    }

    /// Fails one endpoint until it is ejected.
    private func eject(_ endpoint: String, from balancer: LoadBalancer<String>) {
        let others = balancer.snapshot.endpoints.map(\.endpoint).filter { $0 != endpoint }
        var isEjected: Bool { if case .ejected = state(endpoint, balancer) { true } else { false } }
        for _ in 0..<10 where !isEjected { call(balancer, times: 1, excluding: others) { _ in .failure } }
        #expect(isEjected)
    }

    private func entry(_ endpoint: String, _ balancer: LoadBalancer<String>) -> LoadBalancerSnapshot<String>.Entry? {
        balancer.snapshot.endpoints.first { $0.endpoint == endpoint }
    }

    private func state(_ endpoint: String, _ balancer: LoadBalancer<String>) -> EndpointState? {
        entry(endpoint, balancer)?.state
    }

    @Test("of two drawn the one with fewer calls under way is taken, so the busiest gets none")
    func powerOfTwo() {
        let balancer = balancer(["a", "b", "c"])
        var held: [String: Int] = [:]
        // Leases that end at the end of the scope would be given back at once, so they are kept by calls under way.
        func hold(_ count: Int) {
            guard count > 0, let lease = lease(balancer) else { return check() }
            held[lease.endpoint, default: 0] += 1
            hold(count - 1)
            lease.finish(.success)
        }
        func check() {
            // With the choice of two out of three none can run ahead by more than a few.
            #expect(held.count == 3)
            #expect((held.values.max() ?? 0) - (held.values.min() ?? 0) <= 3)
            let busiest = balancer.snapshot.endpoints.max { $0.inFlight < $1.inFlight }
            let least = balancer.snapshot.endpoints.filter { $0.inFlight == busiest?.inFlight }.count
            guard least == 1, let busiest else { return }
            #expect(call(balancer, times: 200)[busiest.endpoint] == nil)
        }
        hold(50)
        #expect(balancer.snapshot.endpoints.allSatisfy { $0.inFlight == 0 })
    }

    @Test("with nothing under way all get the same share")
    func even() {
        let picked = call(balancer(["a", "b", "c", "d"]), times: 4000)
        #expect(picked.count == 4 && picked.values.allSatisfy { (880...1120).contains($0) })
    }

    @Test("with no endpoint a call is refused, with one it gets all calls")
    func few() async {
        let balancer = balancer([])
        let refused = await balancer.call { endpoint async throws(ProviderDown) in endpoint }
        guard case .rejected(.noEndpoint(balancer: "shipping")) = refused else { return #expect(Bool(false)) }
        #expect(log.events == [.rejected(.noEndpoint(balancer: "shipping"))])
        balancer.setEndpoints(["a", "a"])
        #expect(call(balancer, times: 10) == ["a": 10])
        #expect(balancer.snapshot.endpoints.count == 1)
        // The only one is never ejected.
        #expect(call(balancer, times: 100) { _ in .failure } == ["a": 100])
        #expect(state("a", balancer) == .serving)
    }

    @Test("failures in a row eject an endpoint; it comes back exactly when its time is up")
    func consecutiveFailures() {
        let balancer = balancer(["a", "b"])
        eject("a", from: balancer)
        let until = time.now.advanced(by: .seconds(30))
        #expect(state("a", balancer) == .ejected(until: until))
        #expect(entry("a", balancer)?.counts.failed == 5)
        let ejected = ResilienceEvent.endpointEjected(
            balancer: "shipping", endpoint: "a", reason: "consecutiveFailures", time: .seconds(30))
        #expect(log.events == [ejected])
        #expect(call(balancer, times: 100) == ["b": 100])
        time.advance(by: .nanoseconds(29_999_999_999))
        #expect(call(balancer, times: 100) == ["b": 100])
        time.advance(by: .nanoseconds(1))
        call(balancer, times: 1)
        #expect(state("a", balancer) == .probation(since: time.now))
        #expect(log.events == [ejected, .endpointReturned(balancer: "shipping", endpoint: "a")])
    }

    @Test("a success in between ends the row, and neutral results do nothing")
    func interrupted() {
        let balancer = balancer(["a", "b"])
        for _ in 0..<20 {
            for outcome in [CallOutcome.failure, .neutral, .failure, .failure, .neutral, .failure, .success] {
                call(balancer, times: 1, excluding: ["b"]) { _ in outcome }
            }
        }
        #expect(balancer.snapshot.endpoints.allSatisfy { $0.state == .serving })
        call(balancer, times: 300) { _ in .neutral }
        #expect(balancer.snapshot.endpoints.allSatisfy { $0.inFlight == 0 && $0.state == .serving })
    }

    @Test("an endpoint that comes back gets few calls at first, and its full share in the end")
    func slowStart() {
        let balancer = balancer(["a", "b"])
        eject("a", from: balancer)
        time.advance(by: .seconds(30))
        call(balancer, times: 1)
        let first = call(balancer, times: 1000)["a"] ?? 0
        #expect((20...90).contains(first))
        #expect(entry("a", balancer)?.share == 0.1)
        time.advance(by: .seconds(5))
        let middle = call(balancer, times: 1000)["a"] ?? 0
        #expect((190...310).contains(middle))
        time.advance(by: .seconds(5))
        let last = call(balancer, times: 1000)["a"] ?? 0
        #expect((430...570).contains(last))
        #expect(state("a", balancer) == .serving)
    }

    @Test("on probation fewer failures eject it again, for longer; time in service is forgiving")
    func growingTime() {
        let balancer = balancer(["a", "b"])
        for time in [Duration.seconds(30), .seconds(60), .seconds(120), .seconds(240), .seconds(300), .seconds(300)] {
            let failed = entry("a", balancer)?.counts.failed ?? 0
            eject("a", from: balancer)
            #expect(state("a", balancer) == .ejected(until: self.time.now.advanced(by: time)))
            #expect((entry("a", balancer)?.counts.failed ?? 0) - failed == (time == .seconds(30) ? 5 : 3))
            self.time.advance(by: time)
            call(balancer, times: 1)
        }
        // The first interval ends the probation.
        for ejections in [6, 6, 5, 4, 3, 2, 1, 0] {
            #expect(entry("a", balancer)?.ejections == ejections)
            time.advance(by: .seconds(10))
            call(balancer, times: 1)
        }
        eject("a", from: balancer)
        #expect(state("a", balancer) == .ejected(until: time.now.advanced(by: .seconds(30))))
    }

    @Test("a result of before the ejection is ignored, and so is one of an endpoint that is gone")
    func late() {
        let balancer = balancer(["a", "b"])
        guard let old = lease(balancer, excluding: ["b"]) else { return #expect(Bool(false)) }
        eject("a", from: balancer)
        time.advance(by: .seconds(30))
        call(balancer, times: 1)
        #expect(entry("a", balancer)?.inFlight == 1)
        let before = entry("a", balancer)
        old.finish(.failure)
        let after = entry("a", balancer)
        #expect(after?.inFlight == 0 && after?.counts.late == 1)
        #expect(after?.counts.failed == before?.counts.failed && after?.latency == before?.latency)

        guard let gone = lease(balancer, excluding: ["b"]) else { return #expect(Bool(false)) }
        balancer.setEndpoints(["b"])
        balancer.setEndpoints(["b", "a"])
        #expect(entry("a", balancer)?.inFlight == 0)
        gone.finish(.failure)
        #expect(entry("a", balancer)?.inFlight == 0 && entry("a", balancer)?.counts.failed == 0)
    }

    @Test("a lease that is dropped is neutral and ends its call")
    func dropped() {
        let balancer = balancer(["a", "b"])
        for _ in 0..<20 {
            guard let lease = lease(balancer) else { return #expect(Bool(false)) }
            _ = consume lease
        }
        #expect(balancer.snapshot.endpoints.allSatisfy { $0.inFlight == 0 && $0.state == .serving })
        #expect(balancer.snapshot.endpoints.reduce(0) { $0 + $1.counts.neutral } == 20)
    }

    @Test("a retry gets another endpoint where there is one in service, and a tried one otherwise")
    func excluding() {
        let balancer = balancer(["a", "b", "c"])
        #expect(Set(call(balancer, times: 200, excluding: ["a"]).keys) == ["b", "c"])
        #expect(call(balancer, times: 50, excluding: ["a", "c"]) == ["b": 50])
        #expect(call(balancer, times: 60, excluding: ["a", "b", "c", "x"]).count == 3)
        eject("a", from: balancer)
        // Better one that was tried than one that does not work.
        #expect(Set(call(balancer, times: 200, excluding: ["b", "c"]).keys) == ["b", "c"])
    }

    @Test("endpoints that stay keep their state when the list changes, and new ones begin with few calls")
    func setEndpoints() {
        let balancer = balancer(["a", "b", "c"])
        eject("b", from: balancer)
        let ejected = entry("b", balancer)
        balancer.setEndpoints(["d", "c", "b"])
        #expect(entry("b", balancer) == ejected)
        #expect(entry("a", balancer) == nil)
        #expect(state("d", balancer) == .probation(since: time.now))
        let picked = call(balancer, times: 1000)
        #expect(picked["b"] == nil && (picked["d"] ?? 0) < 100)
    }

    @Test("when the list shrinks to the ejected, the one whose time is up first comes back at once")
    func shrinking() {
        let balancer = balancer(["a", "b", "c", "d"])
        eject("a", from: balancer)
        time.advance(by: .seconds(1))
        eject("b", from: balancer)
        balancer.setEndpoints(["a", "b"])
        #expect(state("a", balancer) == .probation(since: time.now))
        #expect(call(balancer, times: 20) == ["a": 20])
        balancer.setEndpoints(["b"])
        #expect(call(balancer, times: 20) == ["b": 20])
    }

    @Test("no more than the allowed share is ejected, though all fail")
    func maximumShare() {
        for (count, allowed) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (10, 5)] {
            let balancer = balancer((0..<count).map(String.init))
            call(balancer, times: 500) { _ in .failure }
            let ejected = balancer.snapshot.endpoints.count { if case .ejected = $0.state { true } else { false } }
            #expect(ejected == allowed, "of \(count)")
            #expect(!balancer.snapshot.isPanicking)
        }
    }

    @Test("with too few in service it panics and calls all")
    func panic() {
        let balancer = balancer(["a", "b", "c", "d"]) { $0.maximumEjectedShare = 1 }
        call(balancer, times: 500) { $0 == "d" ? .success : .failure }
        #expect(balancer.snapshot.isPanicking)
        #expect(call(balancer, times: 400).count == 4)
        // What the ejected answer in a panic does not prolong it.
        call(balancer, times: 500) { $0 == "d" ? .success : .failure }
        #expect(balancer.snapshot.endpoints.filter { $0.endpoint != "d" }.allSatisfy { $0.ejections == 1 })
    }

    @Test("many threads at once lose no call, and find a broken endpoint")
    func threads() async {
        let balancer = LoadBalancer(
            name: "s", endpoints: ["a", "b", "c"], time: SystemTime(), random: SeededRandom(seed: 1))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for round in 0..<2000 {
                        guard case .leased(let lease) = balancer.pick() else { continue }
                        if round % 100 == 0 { await Task.yield() }
                        if number == 0, round % 500 == 0 { balancer.setEndpoints(["c", "a", "b"]) }
                        let isBroken = lease.endpoint == "b"
                        lease.finish(isBroken ? .failure : .success)
                    }
                }
            }
        }
        let endpoints = balancer.snapshot.endpoints
        #expect(endpoints.allSatisfy { $0.inFlight == 0 })
        #expect(endpoints.reduce(0) { $0 + $1.counts.picked } == 16_000)
        #expect((endpoints.first { $0.endpoint == "b" }?.counts.ejected ?? 0) >= 1)
    }
}

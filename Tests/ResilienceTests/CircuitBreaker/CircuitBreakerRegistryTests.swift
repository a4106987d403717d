import Clocks
import Resilience
import TestSupport
import Testing

struct CircuitBreakerRegistryTests {
    private let time = TestTime()
    private let log = EventLog()

    private func registry(maximum: Int) -> CircuitBreakerRegistry {
        var configuration = CircuitBreakerConfiguration()
        configuration.consecutiveFailures = 1
        return CircuitBreakerRegistry(
            configuration: configuration, maximum: maximum, time: time, random: SeededRandom(seed: 1),
            observer: log.observer)
    }

    private func fail(_ breaker: CircuitBreaker) {
        if case .permitted(let permit) = breaker.admit() { permit.finish(.failure) }
    }

    private func names(_ registry: CircuitBreakerRegistry) -> [String] { registry.snapshots.map(\.name) }

    @Test("each authority has a breaker of its own, the same one each time")
    func perAuthority() {
        let registry = registry(maximum: 10)
        fail(registry.breaker(for: "a"))
        #expect(registry.breaker(for: "a").state == .open)
        #expect(registry.breaker(for: "b").state == .closed)
        #expect(registry.breaker(for: "a") === registry.breaker(for: "a"))
        #expect(registry.find("c") == nil && registry.count == 2)
    }

    @Test("beyond the maximum the one that was used longest ago makes room")
    func leastRecentlyUsed() {
        let registry = registry(maximum: 3)
        for name in ["a", "b", "c", "a", "d", "e"] { _ = registry.breaker(for: name) }
        #expect(names(registry) == ["a", "d", "e"])
        #expect(registry.evicted == 2)
    }

    @Test("looking at a breaker does not keep it")
    func looking() {
        let registry = registry(maximum: 2)
        for name in ["a", "b"] { _ = registry.breaker(for: name) }
        #expect(registry.find("a") != nil)
        _ = registry.breaker(for: "c")
        #expect(names(registry) == ["b", "c"])
    }

    @Test("one that is not closed stays while another can go", arguments: CircuitBreakerCommand.allCases)
    func notClosed(command: CircuitBreakerCommand) {
        let registry = registry(maximum: 2)
        registry.breaker(for: "a").obey(command)
        for number in 0..<10 { _ = registry.breaker(for: "other \(number)") }
        #expect(names(registry).contains("a") == (command != .reset))
        #expect(registry.count == 2)
    }

    @Test("one with a call under way stays while another can go, and goes once the call has ended")
    func callUnderWay() {
        let registry = registry(maximum: 2)
        guard case .permitted(let permit) = registry.breaker(for: "a").admit() else { return #expect(Bool(false)) }
        for number in 0..<10 { _ = registry.breaker(for: "other \(number)") }
        #expect(names(registry).contains("a"))
        permit.finish(.success)
        _ = registry.breaker(for: "last")
        #expect(!names(registry).contains("a"))
    }

    @Test("the maximum holds though no breaker may go; the calls of the one that goes end well")
    func unavoidable() {
        let registry = registry(maximum: 2)
        guard case .permitted(let permit) = registry.breaker(for: "a").admit() else { return #expect(Bool(false)) }
        fail(registry.breaker(for: "b"))
        for name in ["c", "d", "e"] { fail(registry.breaker(for: name)) }
        #expect(names(registry) == ["d", "e"])
        permit.finish(.failure)
        #expect(log.events.contains { if case .circuitBreakerChanged("a", _) = $0 { true } else { false } })
        #expect(registry.breaker(for: "a").state == .closed, "a new one begins")
    }

    @Test("the order of use is right whatever comes and goes", arguments: replayable(0..<50))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let maximum = 1 + Int(random.next() % 6)
        let registry = registry(maximum: maximum)
        var order: [String] = []
        for _ in 0..<300 {
            let name = "host \(random.next() % 10)"
            _ = registry.breaker(for: name)
            order.removeAll { $0 == name }
            order.append(name)
            if order.count > maximum { order.removeFirst() }
            #expect(names(registry) == order.sorted(), "seed \(seed)")
        }
    }

    @Test("breakers are controlled by name")
    func byName() throws {
        let registry = registry(maximum: 2)
        _ = registry.breaker(for: "a")
        #expect(try #require(registry.obey(.forceOpen, name: "a")).state == .forcedOpen)
        #expect(registry.breaker(for: "a").state == .forcedOpen)
        #expect(registry.obey(.reset, name: "a")?.state == .closed)
        #expect(registry.obey(.trip, name: "a")?.openingsInARow == 1)
        #expect(registry.obey(.reset, name: "nobody") == nil)
    }

    @Test("one that was made elsewhere is listed and controlled, and never makes room")
    func added() {
        let registry = registry(maximum: 1)
        registry.add(CircuitBreaker(name: "database", time: time, random: SeededRandom(seed: 1)))
        for name in ["a", "b"] { _ = registry.breaker(for: name) }
        #expect(names(registry) == ["b", "database"])
        registry.obey(.forceOpen, name: "database")
        #expect(registry.breaker(for: "database").state == .forcedOpen)
        #expect(registry.count == 2)
    }

    @Test("asked from many threads at once, an authority still has one breaker, and the maximum holds")
    func concurrent() async {
        let registry = registry(maximum: 4)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        let breaker = registry.breaker(for: "host \((number + task) % 6)")
                        if case .permitted(let permit) = breaker.admit() { permit.finish(.success) }
                        if number % 50 == 0 { _ = registry.snapshots }
                    }
                }
            }
        }
        #expect(registry.count == 4)
        #expect(Set(names(registry)).count == 4)
    }
}

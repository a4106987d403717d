import Resilience
import Synchronization

/// All circuit breakers of the process by name: for metrics and for operators.
package final class BreakerDirectory: Sendable {
    /// A breaker and the dependency it stands in front of.
    package struct Entry: Sendable {
        package var breaker: CircuitBreaker
        package var dependency: String
    }

    private struct State {
        var entries: [Entry] = []
        var registries: [(registry: CircuitBreakerRegistry, dependency: String)] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a breaker; traps for a name that is taken: two could not be told apart.
    package func register(_ breaker: CircuitBreaker, dependency: String) {
        state.withLock { state in
            precondition(
                !state.entries.contains { $0.breaker.name == breaker.name },
                "two circuit breakers are named \(breaker.name)")
            state.entries.append(Entry(breaker: breaker, dependency: dependency))
        }
    }

    /// Adds the breakers of a registry, those to come included: one for each authority of the dependency.
    package func register(_ registry: CircuitBreakerRegistry, dependency: String) {
        state.withLock { $0.registries.append((registry, dependency)) }
    }

    /// Every breaker there is now, by name.
    package var all: [Entry] {
        let (entries, registries) = state.withLock { ($0.entries, $0.registries) }
        let others = registries.flatMap { registry, dependency in
            registry.snapshots.compactMap { snapshot in
                registry.find(snapshot.name).map { Entry(breaker: $0, dependency: dependency) }
            }
        }
        return (entries + others).sorted { $0.breaker.name < $1.breaker.name }
    }

    /// The breaker with this name.
    package subscript(name: String) -> Entry? {
        let (entries, registries) = state.withLock { ($0.entries, $0.registries) }
        if let entry = entries.first(where: { $0.breaker.name == name }) { return entry }
        for (registry, dependency) in registries {
            if let breaker = registry.find(name) { return Entry(breaker: breaker, dependency: dependency) }
        }
        return nil
    }
}

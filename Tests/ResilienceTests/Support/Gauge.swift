import Synchronization

/// A number many threads move up and down, and the highest it has been.
final class Gauge: Sendable {
    private let current = Atomic(0)
    private let highest = Atomic(0)

    var value: Int { current.load(ordering: .acquiring) }
    var peak: Int { highest.load(ordering: .acquiring) }

    func up() {
        let now = current.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
        highest.max(now, ordering: .acquiringAndReleasing)
    }

    func down() { current.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
}

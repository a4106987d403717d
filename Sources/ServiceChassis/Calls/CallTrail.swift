import Synchronization

/// What the attempts of one call have left behind, copies that run at the same time included.
final class CallTrail: Sendable {
    private let effect = Atomic(false)

    /// Whether the service may have done what was asked, by any attempt.
    var mayHaveHadEffect: Bool { effect.load(ordering: .acquiring) }

    func noteEffect() {
        effect.store(true, ordering: .releasing)
    }
}

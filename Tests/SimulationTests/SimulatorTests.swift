import Defects
import Invariants
import Testing

@testable import Simulation

@Suite("The suite in virtual time")
struct SimulatorTests {
    @Test("some hundred worlds keep every promise")
    func promises() {
        var tally = Simulator.Tally()
        for seed in UInt64(1_000_000)..<1_000_200 {
            let outcome = Simulator.run(seed: seed)
            #expect(outcome.violation == nil, "make simulate SEED=\(seed) shows it")
            tally += outcome.tally
        }
        // A world in which nothing happens keeps every promise, too.
        #expect(tally.confirmed > 100 && tally.rejected > 100 && tally.cancelled > 20 && tally.crashes > 50)
        // These take thousands of worlds.
        let rare: Set<Sighting> = [.lateAnswer, .fullMemory, .quarantine, .deadLetter]
        for sighting in Sighting.allCases where !rare.contains(sighting) {
            #expect(tally.sightings[sighting] ?? 0 > 0, "no world has seen \(sighting.rawValue)")
        }
    }

    @Test("a defect breaks the promise that it is about", arguments: KnownDefect.all)
    func defects(known: KnownDefect) {
        #expect(
            known.find(within: 500) != nil,
            "no world from \(known.seed) on shows it; make simulate DEFECT=\(known.defect.rawValue) FIRST=… may")
    }

    @Test("every defect is known, and every promise is broken by one")
    func completeness() {
        #expect(Set(KnownDefect.all.map(\.defect)) == Set(Defect.allCases))
        #expect(Set(KnownDefect.all.map(\.promise)) == Set(Violation.Promise.allCases))
    }

    @Test("a seed is one world: run twice, the same happens", arguments: [3, 77, 4711] as [UInt64])
    func repeatable(seed: UInt64) {
        let (first, second) = (Simulator.run(seed: seed), Simulator.run(seed: seed))
        #expect(first.digest == second.digest && first.events == second.events)
        #expect(first.digest != Simulator.run(seed: seed + 1).digest)
    }

    @Test("what breaks a promise is told with what it takes and no more")
    func explanation() throws {
        try Defect.$simulated.withValue(.stockLeaks) {
            let broken = try #require(KnownDefect.all.first { $0.defect == .stockLeaks }?.find(within: 100))
            let explanation = try #require(Simulator.explain(seed: broken.seed))
            #expect(explanation.violation.promise == .stockConserved)
            // A leak needs one order and no fault.
            #expect(explanation.size == (faults: 0, orders: 1))
            let text = explanation.text(command: "make simulate SEED=\(broken.seed)")
            #expect(text.hasPrefix("BROKEN stock-conserved: "))
            #expect(text.contains("Again: make simulate SEED=\(broken.seed)"))
            #expect(text.contains("reserve-stock"))
        }
    }

    @Test("a world whose promises are kept has nothing to explain")
    func nothingToExplain() {
        #expect(Simulator.explain(seed: 1_000_000) == nil)
    }
}

import Defects
import Invariants

/// Runs worlds, and tells of the one that breaks a promise.
package enum Simulator {
    /// What became of a world.
    package struct Outcome: Sendable {
        package var seed: UInt64
        /// The first promise that was broken; nil when all were kept.
        package var violation: Violation?
        package var events: Int
        /// Distinguishes worlds in which different things happened.
        package var digest: UInt64
        package var tally: Tally
    }

    /// What happened in some worlds, to see that they are worth running.
    package struct Tally: Sendable, Hashable {
        package var orders = 0
        package var confirmed = 0
        package var rejected = 0
        package var cancelled = 0
        package var crashes = 0
        package var faults = 0
        /// In how many worlds something rare was seen.
        package var sightings: [Sighting: Int] = [:]

        package init() {}

        package static func += (sum: inout Tally, other: Tally) {
            sum.orders += other.orders
            sum.confirmed += other.confirmed
            sum.rejected += other.rejected
            sum.cancelled += other.cancelled
            sum.crashes += other.crashes
            sum.faults += other.faults
            sum.sightings.merge(other.sightings, uniquingKeysWith: +)
        }
    }

    /// Runs the world of a seed, with the defect of this task, if it has one.
    package static func run(seed: UInt64) -> Outcome {
        let world = World(Plan(seed: seed))
        world.run()
        return Outcome(
            seed: seed, violation: world.violation, events: world.eventCount, digest: world.digest,
            tally: world.tally)
    }

    /// Runs the world of a seed and finds the smallest part of it that breaks the same promise; nil when none is broken.
    package static func explain(seed: UInt64) -> Explanation? {
        let plan = Plan(seed: seed)
        let whole = World(plan)
        whole.run()
        guard let violation = whole.violation else { return nil }
        let smallest = Shrinking(promise: violation.promise).smallest(plan)
        let world = World(smallest, recording: true)
        world.run()
        return Explanation(plan: smallest, violation: world.violation ?? violation, history: world.history)
    }
}

extension World {
    /// Of when what happened, at the least: two runs of one seed have the same.
    var digest: UInt64 {
        var digest = UInt64(eventCount) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(now)
        for process in replicas { digest = (digest ^ UInt64(process.steps)) &* 0x100_0000_01B3 }
        for row in orders.orders.sorted(by: { $0.key < $1.key }) {
            digest = (digest ^ row.key.low ^ UInt64(row.value.status.rawValue.utf8.count)) &* 0x100_0000_01B3
        }
        return digest
    }

    var tally: Simulator.Tally {
        var tally = Simulator.Tally()
        tally.orders = orders.orders.count
        for order in orders.orders.values {
            if order.isConfirmed { tally.confirmed += 1 }
            if order.status == .rejected { tally.rejected += 1 }
            if order.status == .cancelled { tally.cancelled += 1 }
        }
        tally.crashes = crashCount
        tally.faults = plan.faults.count
        for sighting in sightings { tally.sightings[sighting] = 1 }
        return tally
    }
}

import Clocks
import Defects
import Testing

@testable import Messaging

@Suite("How a batch divides into what is handled and what is parked")
struct ParkingPlanTests {
    private static func key(_ number: UInt64) -> UUID { UUID(high: 0, low: number) }

    @Test("whoever is in trouble waits, and all behind it of its key; others go on")
    func followers() {
        let keys = [1, 2, 1, 3, 2, 1].map { Self.key($0) }
        let plan = ParkingPlan(keys: keys, parked: [], troubled: [2])
        #expect(plan.begun == [0, 1, 3, 4])
        #expect(plan.waiting == [2, 5])
        #expect(plan.heads == [2])
    }

    @Test("a message of a key that waits already waits behind it, and opens nothing")
    func parkedKey() {
        let plan = ParkingPlan(keys: [1, 2].map { Self.key($0) }, parked: [Self.key(1)], troubled: [])
        #expect(plan.begun == [1])
        #expect(plan.waiting == [0])
        #expect(plan.heads.isEmpty)
    }

    @Test("a message that is refused later takes those behind it back")
    func refuse() {
        var plan = ParkingPlan(keys: [1, 1, 2].map { Self.key($0) }, parked: [], troubled: [])
        let tookBack = plan.refuse([0])
        #expect(tookBack, "the second had begun")
        #expect(plan.begun == [2])
        #expect(plan.waiting == [0, 1])
        let again = plan.refuse([2])
        #expect(!again, "nobody is behind it")
    }

    @Test("what has no key waits for nobody and nobody for it")
    func keyless() {
        let plan = ParkingPlan(keys: [nil, Self.key(1), nil], parked: [], troubled: [0, 2])
        #expect(plan.keyless == [0, 2])
        #expect(plan.begun == [1])
    }

    @Test("the order per key is kept whatever fails and in whatever batches", arguments: 0..<200 as Range<UInt64>)
    func keepsOrder(seed: UInt64) {
        let world = ParkingWorld(seed: seed)
        #expect(world.run() == [], "seed \(seed)")
    }

    @Test("the defects that it has a place for are noticed", arguments: [Defect.followersOvertake, .poisonDropped])
    func defects(defect: Defect) {
        let found = Defect.$simulated.withValue(defect) {
            (0..<50 as Range<UInt64>).contains { !ParkingWorld(seed: $0).run().isEmpty }
        }
        #expect(found)
    }
}

/// Messages of a few keys, in batches, through the plan and the parked keys, in virtual time.
private struct ParkingWorld {
    struct Item: Hashable {
        var key: UInt64
        var number: Int
        /// How often it fails before it can be handled; very often for one that never can.
        var failures: Int
    }

    let seed: UInt64

    /// What is wrong with the outcome.
    func run() -> [String] {
        let random = SeededRandom(seed: seed)
        var rules = ParkingRules()
        rules.attempts = 4
        let items = (0..<60).map { number in
            Item(key: random.next() % 4, number: number, failures: random.next() % 8 == 0 ? Int(random.next() % 7) : 0)
        }
        var (handled, dead): ([Item], [Item]) = ([], [])
        var lot: [UInt64: ParkedKey<Item>] = [:]
        var tries: [Item: Int] = [:]
        func fails(_ item: Item) -> Bool {
            tries[item, default: 0] += 1
            return tries[item, default: 0] <= item.failures
        }
        func tryDue(_ key: UInt64) {
            guard var parked = lot[key] else { return }
            defer { lot[key] = parked.isEmpty ? nil : parked }
            while !parked.isEmpty {
                for item in parked.next(maximum: 3) {
                    guard fails(item) else {
                        handled.append(item)
                        parked.succeeded(1)
                        continue
                    }
                    switch parked.failed(rules, spread: 0.5) {
                    case .wait: return
                    case .giveUp(let entry): dead.append(entry.message)
                    }
                    break
                }
            }
        }
        var rest = items[...]
        while !rest.isEmpty || !lot.isEmpty {
            let batch = Array(rest.prefix(Int(random.next() % 5)))
            rest = rest.dropFirst(batch.count)
            let troubled = Set(
                batch.indices.filter { place in
                    lot[batch[place].key] == nil && batch[place].failures > tries[batch[place], default: 0]
                })
            let plan = ParkingPlan(
                keys: batch.map { UUID(high: 0, low: $0.key) }, parked: Set(lot.keys.map { UUID(high: 0, low: $0) }),
                troubled: troubled)
            handled += plan.begun.map { batch[$0] }
            for place in plan.waiting {
                let isHead = plan.heads.contains(place)
                if isHead { _ = fails(batch[place]) }
                lot[batch[place].key, default: ParkedKey()].park(batch[place], failures: isHead ? 1 : 0)
            }
            for key in lot.keys.sorted() where random.next() % 2 == 0 { tryDue(key) }
        }
        var wrong: [String] = []
        for key in 0..<4 as Range<UInt64> {
            let numbers = handled.filter { $0.key == key }.map(\.number)
            if numbers != numbers.sorted() { wrong.append("key \(key): \(numbers)") }
        }
        if handled.count + dead.count != items.count { wrong.append("\(handled.count) + \(dead.count)") }
        if Set(handled).count != handled.count { wrong.append("something was handled twice") }
        if dead.contains(where: { $0.failures < 4 }) { wrong.append("given up too soon") }
        return wrong
    }
}

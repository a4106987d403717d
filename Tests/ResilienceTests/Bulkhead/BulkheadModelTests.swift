import Clocks
import Testing

@testable import Resilience

struct BulkheadModelTests {
    /// Everyone who ever asked, in order, with what became of them.
    private struct NaiveBulkhead {
        enum Standing { case waiting, inside, gone }

        let limit: Int
        let queueLimit: Int
        var guests: [(id: UInt64, expiresAt: MonotonicInstant, standing: Standing)] = []

        func count(_ standing: Standing) -> Int { guests.count { $0.standing == standing } }

        mutating func ask(_ id: UInt64, _ expiresAt: MonotonicInstant) -> BulkheadMachine.Decision {
            if count(.inside) < limit {
                guests.append((id, expiresAt, .inside))
                return .admitted
            }
            guard count(.waiting) < queueLimit else { return .full }
            guests.append((id, expiresAt, .waiting))
            return .queued
        }

        mutating func release(_ id: UInt64, now: MonotonicInstant) -> BulkheadMachine.Release {
            set(id, .gone)
            var release = BulkheadMachine.Release()
            for index in guests.indices where guests[index].standing == .waiting {
                if guests[index].expiresAt > now {
                    guests[index].standing = .inside
                    release.next = guests[index].id
                    break
                }
                guests[index].standing = .gone
                release.expired.append(guests[index].id)
            }
            return release
        }

        mutating func set(_ id: UInt64, _ standing: Standing) {
            for index in guests.indices where guests[index].id == id { guests[index].standing = standing }
        }
    }

    @Test("it agrees with a bulkhead that remembers everyone", arguments: replayable(0..<200))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let (limit, queueLimit) = (1 + pick(3), pick(4))
        var machine = BulkheadMachine(limit: limit, queueLimit: queueLimit)
        var naive = NaiveBulkhead(limit: limit, queueLimit: queueLimit)
        var now = MonotonicInstant(nanoseconds: 0)
        for id in 0..<UInt64(300) {
            now = now.advanced(by: .milliseconds(pick(300)))
            switch pick(3) {
            case 0:
                let expiresAt = now.advanced(by: .milliseconds(pick(1000)))
                #expect(machine.acquire(id, expiresAt: expiresAt) == naive.ask(id, expiresAt), "seed \(seed)")
            case 1:
                guard let inside = naive.guests.last(where: { $0.standing == .inside }) else { continue }
                #expect(machine.release(now: now) == naive.release(inside.id, now: now), "seed \(seed)")
            default:
                let guest = UInt64(pick(Int(id) + 1))
                let isWaiting = naive.guests.contains { $0.id == guest && $0.standing == .waiting }
                #expect(machine.leave(guest) == isWaiting, "seed \(seed)")
                if isWaiting { naive.set(guest, .gone) }
            }
            #expect(machine.inUse == naive.count(.inside) && machine.inUse <= limit, "seed \(seed)")
            #expect(machine.waiting == naive.count(.waiting), "seed \(seed)")
            #expect(machine.waiting == 0 || machine.inUse == limit, "seed \(seed)")
        }
    }
}

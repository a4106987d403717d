import Clocks
import Testing

@testable import HTTPServer

@Suite("Deadline queue")
struct DeadlineQueueTests {
    @Test("deadlines come out in order, none before its time, compared with a sorted list")
    func order() {
        let seed = SystemRandom().next()
        print("deadline queue seed \(seed)")
        let random = SeededRandom(seed: seed)
        var queue = DeadlineQueue()
        var reference: [Int64] = []
        var now: Int64 = 0
        for step in 0..<5000 {
            if random.next() % 3 != 0 {
                let at = now + Int64(random.next() % 100)
                queue.add(UInt64(step), at: MonotonicInstant(nanoseconds: at))
                reference.append(at)
                reference.sort()
            } else {
                now += Int64(random.next() % 50)
                while let due = queue.popDue(MonotonicInstant(nanoseconds: now)) {
                    guard due.at.nanoseconds == reference.first, due.at.nanoseconds <= now else {
                        Issue.record("seed \(seed) step \(step)")
                        return
                    }
                    reference.removeFirst()
                }
                guard reference.first.map({ $0 > now }) ?? true else {
                    Issue.record("seed \(seed) step \(step): one is overdue")
                    return
                }
            }
            #expect(queue.count == reference.count)
        }
    }
}

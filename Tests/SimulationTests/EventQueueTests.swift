import Testing

@testable import Simulation

@Suite("The queue of events")
struct EventQueueTests {
    @Test("events come by time, and by their order of being scheduled at one time")
    func order() {
        var random = Randomness(seed: 1)
        var queue = EventQueue()
        var expected: [(at: Instant, number: Int)] = []
        for number in 0..<500 {
            let at = Instant(random.below(40))
            queue.push(.start(replica: number), at: at)
            expected.append((at, number))
        }
        expected.sort { ($0.at, $0.number) < ($1.at, $1.number) }
        for (at, number) in expected {
            guard let next = queue.pop(), case .start(let replica) = next.event else {
                Issue.record("an event is missing")
                return
            }
            #expect(next.at == at && replica == number)
        }
        #expect(queue.count == 0)
    }
}

import Clocks
import Testing

@testable import OrderService

/// Orders that come in at some rate, wait in one queue, and are answered at the rate of whoever works on them.
private struct Counter {
    /// What is offered in a second, and what can be answered in one, at a moment in seconds.
    var offered: (Double) -> Double
    var capacity: (Double) -> Double
    /// What an answer takes besides the waiting.
    var service = Duration.milliseconds(10)
    var rate = AdmissionRate(.init(target: .milliseconds(250)), now: MonotonicInstant(nanoseconds: 0))
    let random: SeededRandom

    private(set) var (accepted, refused, finished) = (0, 0, 0)
    private(set) var longestWait = Duration.zero
    private(set) var wait = Duration.zero
    private var queue: [MonotonicInstant] = []
    private var head = 0
    private var (arriving, leaving) = (0.0, 0.0)
    private var milliseconds: Int64 = 0

    init(
        seed: UInt64, offered: @escaping (Double) -> Double, capacity: @escaping (Double) -> Double = { _ in 400 }
    ) {
        random = SeededRandom(seed: seed)
        self.offered = offered
        self.capacity = capacity
    }

    mutating func run(seconds: Int) {
        (accepted, refused, finished, longestWait) = (0, 0, 0, .zero)
        for _ in 0..<seconds * 1000 {
            milliseconds += 1
            let now = MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
            let second = Double(milliseconds) / 1000
            // Uneven, as orders come: none, one or two in place of each.
            arriving += offered(second) / 1000 * 2 * random.nextUnit()
            while arriving >= 1 {
                arriving -= 1
                if rate.admits(now: now) {
                    accepted += 1
                    queue.append(now)
                } else {
                    refused += 1
                }
            }
            // In batches, as they are worked on.
            leaving += capacity(second) / 1000
            guard milliseconds % 20 == 0 else { continue }
            while leaving >= 1, head < queue.count, queue[head].advanced(by: service) <= now {
                leaving -= 1
                wait = queue[head].duration(to: now)
                longestWait = max(longestWait, wait)
                rate.answered(after: wait, now: now)
                finished += 1
                head += 1
            }
            // Nobody works ahead.
            leaving = min(leaving, capacity(second) / 50 + 1)
        }
    }
}

@Suite("How many orders are taken")
struct AdmissionRateTests {
    @Test(
        "twice of what can be done: what is taken is what is finished, and waits stay short",
        arguments: 1...5 as ClosedRange<UInt64>)
    func overload(seed: UInt64) {
        var counter = Counter(seed: seed, offered: { _ in 800 })
        counter.run(seconds: 60)
        #expect(Double(counter.accepted) <= Double(counter.finished) * 1.03)
        #expect(counter.finished > 60 * 400 * 9 / 10)
        counter.run(seconds: 60)
        #expect(counter.longestWait < .milliseconds(1000))
        #expect(counter.finished > 60 * 400 * 9 / 10)
    }

    @Test("a little more than can be done is held as well", arguments: 1...5 as ClosedRange<UInt64>)
    func slightOverload(seed: UInt64) {
        var counter = Counter(seed: seed, offered: { _ in 440 })
        counter.run(seconds: 120)
        #expect(counter.longestWait < .milliseconds(1000))
        #expect(counter.finished > 120 * 400 * 9 / 10)
    }

    @Test("less than can be done: nobody is refused", arguments: 1...5 as ClosedRange<UInt64>)
    func enough(seed: UInt64) {
        var counter = Counter(seed: seed, offered: { _ in 380 })
        counter.run(seconds: 60)
        #expect(counter.refused == 0)
        #expect(counter.rate.limit == nil)
    }

    @Test("an inventory that is slow and not busy costs nobody an order", arguments: 1...5 as ClosedRange<UInt64>)
    func slow(seed: UInt64) {
        var counter = Counter(seed: seed, offered: { _ in 200 })
        counter.run(seconds: 10)
        counter.service = .milliseconds(1200)
        counter.run(seconds: 60)
        // The step from quick to slow looks like a queue for a moment.
        #expect(counter.refused < counter.accepted / 10)
        counter.run(seconds: 60)
        #expect(counter.refused == 0)
    }

    @Test("after a standstill of three seconds all is as before", arguments: 1...5 as ClosedRange<UInt64>)
    func standstill(seed: UInt64) {
        var counter = Counter(
            seed: seed, offered: { _ in 200 }, capacity: { (10..<13).contains($0) ? 0 : 400 })
        counter.run(seconds: 9)
        #expect(counter.refused == 0)
        counter.run(seconds: 20)
        #expect(counter.refused < 20 * 200 / 10)
        counter.run(seconds: 30)
        #expect(counter.refused == 0)
        #expect(counter.rate.limit == nil)
    }

    @Test("when the rush is over the limit goes")
    func over() {
        var counter = Counter(seed: 1, offered: { $0 < 30 ? 800 : 100 })
        counter.run(seconds: 30)
        #expect(counter.rate.limit != nil)
        #expect(counter.refused > 0)
        counter.run(seconds: 15)
        #expect(counter.rate.limit == nil)
        counter.run(seconds: 15)
        #expect(counter.refused == 0)
    }

    @Test("a few orders are always taken, however late answers are")
    func floor() {
        var counter = Counter(seed: 1, offered: { _ in 40 }, capacity: { _ in 20 })
        counter.run(seconds: 60)
        #expect(counter.refused == 0)
    }

    @Test("nothing is learned from silence: with nobody there to answer, orders are taken")
    func silence() {
        var counter = Counter(seed: 1, offered: { _ in 300 }, capacity: { _ in 0 })
        counter.run(seconds: 60)
        #expect(counter.refused == 0)
    }
}

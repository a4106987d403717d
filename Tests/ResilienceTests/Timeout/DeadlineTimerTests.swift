import Clocks
import TestSupport
import Testing

@testable import Resilience

@Suite(.timeLimit(.minutes(5)))
struct DeadlineTimerTests {
    private final class Fired: Sendable {
        private let stored = Lock<[Int]>([])
        var numbers: [Int] { stored.withLock { $0 } }
        func note(_ number: Int) { stored.withLock { $0.append(number) } }
    }

    @Test("deadlines fire in order of time, cancelled ones not at all, and one task sleeps for all")
    func order() async throws {
        let time = TestTime()
        let timer = DeadlineTimer(time: time)
        let fired = Fired()
        let start = time.now
        let order = [3, 1, 5, 2, 4]
        var tickets: [Int: DeadlineTimer.Ticket] = [:]
        for number in order {
            tickets[number] = timer.set(start.advanced(by: .seconds(number))) { fired.note(number) }
        }
        timer.cancel(try #require(tickets[2]))
        for number in [1, 3, 4, 5] {
            let deadline = start.advanced(by: .seconds(number))
            while try await time.nextTimerScheduled() < deadline || time.sleeperCount != 1 {
                time.advance(to: time.now)
            }
            time.advance(to: deadline)
        }
        await until { fired.numbers.count == 4 }
        #expect(fired.numbers == [1, 3, 4, 5])
    }

    @Test("deadlines that come and go keep neither memory nor callbacks, and their sleeper stays")
    func reuse() async throws {
        let time = TestTime()
        let timer = DeadlineTimer(time: time)
        let fired = Fired()
        for number in 0..<10_000 {
            let ticket = timer.set(time.now.advanced(by: .seconds(60))) { fired.note(number) }
            timer.cancel(ticket)
            timer.cancel(ticket)
        }
        #expect(timer.pending == 0)
        #expect(timer.remembered < 200)
        try await time.nextTimerScheduled()
        #expect(time.sleeperCount == 1)
        time.advance(by: .seconds(60))
        while time.sleeperCount != 0 { await Task.yield() }
        #expect(fired.numbers.isEmpty)
    }

    @Test("a ticket of a deadline that is over cancels no other one that has taken its place")
    func staleTicket() throws {
        let time = TestTime()
        let timer = DeadlineTimer(time: time)
        let old = timer.set(time.now.advanced(by: .seconds(1))) {}
        timer.cancel(old)
        _ = timer.set(time.now.advanced(by: .seconds(1))) {}
        timer.cancel(old)
        #expect(timer.pending == 1)
    }

    @Test(
        "against a naive list of deadlines: each fires once, in order, unless cancelled", arguments: replayable(0..<20))
    func model(seed: UInt64) async throws {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let time = TestTime()
        let timer = DeadlineTimer(time: time)
        let fired = Fired()
        var expected: [(at: MonotonicInstant, number: Int)] = []
        var tickets: [Int: DeadlineTimer.Ticket] = [:]
        for number in 0..<300 {
            let instant = time.now.advanced(by: .milliseconds(1 + pick(5000)))
            tickets[number] = timer.set(instant) { fired.note(number) }
            expected.append((instant, number))
            if pick(2) == 0, let victim = tickets.keys.sorted().randomElement(random) {
                tickets[victim].map { timer.cancel($0) }
                tickets[victim] = nil
                expected.removeAll { $0.number == victim }
            }
        }
        #expect(timer.pending == expected.count)
        time.advance(by: .seconds(10))
        while timer.pending > 0 { await Task.yield() }
        while fired.numbers.count < expected.count { await Task.yield() }
        let times = Dictionary(uniqueKeysWithValues: expected.map { ($0.number, $0.at) })
        #expect(Set(fired.numbers) == Set(times.keys), "seed \(seed)")
        let order = fired.numbers.compactMap { times[$0] }
        #expect(order == order.sorted(), "seed \(seed)")
    }
}

extension Array {
    fileprivate func randomElement(_ random: SeededRandom) -> Element? {
        isEmpty ? nil : self[Int(random.next() % UInt64(count))]
    }
}

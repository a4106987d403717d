import Clocks
import Synchronization
import TestSupport
import Testing

@testable import Resilience

struct DeadlineTimerTests {
    private final class Fired: Sendable {
        private let stored = Mutex<[Int]>([])
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
        while fired.numbers.count < 4 { try await SystemTime().sleep(for: .milliseconds(1)) }
        #expect(fired.numbers == [1, 3, 4, 5])
    }
}

import Clocks
import Testing

@testable import Resilience

struct RetryBudgetModelTests {
    /// Remembers every deposit with its time, and the floor as a number that grows with time.
    private struct NaiveBudget {
        let configuration: RetryBudgetConfiguration
        /// What is left of each deposit, oldest first, in millionths.
        var deposits: [(slot: Int64, rest: Int64)] = []
        /// Nanoseconds of floor time saved up.
        var floorSaved: Int64
        /// The slot of each call that ended well or asked in vain.
        var calls: [Int64] = []
        var lastPaid: MonotonicInstant?
        var last: MonotonicInstant

        var slotLength: Int64 { configuration.lifetime.wholeNanoseconds / 10 }
        var interval: Int64 { Int64((1e9 / configuration.floorPerSecond).rounded(.up)) }
        var floorLimit: Int64 { interval * configuration.floorBurst }

        init(_ configuration: RetryBudgetConfiguration, now: MonotonicInstant) {
            self.configuration = configuration
            last = now
            floorSaved = 0
            if configuration.floorPerSecond > 0 { floorSaved = floorLimit }
        }

        mutating func pass(to now: MonotonicInstant) {
            if configuration.floorPerSecond > 0 {
                floorSaved = min(floorLimit, floorSaved + now.nanoseconds - last.nanoseconds)
            }
            last = now
            let slot = now.nanoseconds / slotLength
            deposits.removeAll { $0.slot + 10 <= slot || $0.rest == 0 }
            calls.removeAll { $0 + 10 <= slot }
        }

        var earned: Int64 { deposits.reduce(0) { $0 + $1.rest } }

        mutating func deposit(now: MonotonicInstant) {
            pass(to: now)
            calls.append(now.nanoseconds / slotLength)
            let amount = Int64((configuration.share * 1e6).rounded())
            let room = Int64(configuration.maximumBalance) * 1_000_000 - earned
            deposits.append((now.nanoseconds / slotLength, min(amount, room)))
        }

        var seconds: Double { configuration.lifetime.inSeconds }

        /// Below so many calls a second, and at least as many within the lifetime.
        var isSeldom: Bool {
            Double(calls.count) <= (configuration.seldomPerSecond * max(1, seconds)).rounded(.down)
        }

        /// Where calls are not seldom: whether nothing was paid for the floor's interval.
        func isFloorDue(now: MonotonicInstant) -> Bool {
            guard configuration.floorPerSecond > 0 else { return false }
            guard let lastPaid else { return true }
            let scaled = configuration.floorShare * Double(calls.count) / seconds
            let rate = max(configuration.floorPerSecond / 4, min(configuration.floorPerSecond, scaled))
            return lastPaid.duration(to: now) >= .nanoseconds(Int64((1e9 / rate).rounded(.up)))
        }

        mutating func withdraw(now: MonotonicInstant) -> Bool {
            pass(to: now)
            let isPaid: Bool
            if isSeldom {
                isPaid = withdrawFloor() || withdrawEarned()
            } else {
                isPaid = withdrawEarned() || isFloorDue(now: now)
                if isPaid { floorSaved = 0 }
            }
            if isPaid { lastPaid = now } else { calls.append(now.nanoseconds / slotLength) }
            return isPaid
        }

        mutating func withdrawFloor() -> Bool {
            guard configuration.floorPerSecond > 0, floorSaved >= interval else { return false }
            floorSaved -= interval
            return true
        }

        mutating func withdrawEarned() -> Bool {
            guard earned >= 1_000_000 else { return false }
            var price: Int64 = 1_000_000
            for index in deposits.indices {
                let taken = min(price, deposits[index].rest)
                deposits[index].rest -= taken
                price -= taken
            }
            return true
        }
    }

    private static func configuration(_ pick: (Int) -> Int) -> RetryBudgetConfiguration {
        var configuration = RetryBudgetConfiguration()
        configuration.share = [0, 0.1, 0.2, 0.35, 1, 3][pick(6)]
        configuration.floorPerSecond = [0, 0.5, 3, 10, 1000.0 / 7][pick(5)]
        configuration.lifetime = .milliseconds([100, 1000, 5000][pick(3)])
        configuration.seldomPerSecond = [0, 1, 5, 100][pick(4)]
        configuration.floorShare = [0, 0.03, 0.5][pick(3)]
        configuration.maximumBalance = [0, 1, 5, 100][pick(4)]
        return configuration
    }

    @Test(
        "it agrees with a budget that remembers every deposit, and no stretch of time has too many",
        arguments: replayable(0..<80))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let configuration = Self.configuration(pick)
        var now = MonotonicInstant(nanoseconds: Int64(pick(1_000_000_000)))
        var account = RetryBudgetAccount(configuration, now: now)
        var naive = NaiveBudget(configuration, now: now)
        var events: [(at: MonotonicInstant, isDeposit: Bool)] = []
        for _ in 0..<250 {
            if pick(3) == 0 { now = now.advanced(by: .microseconds(pick([10, 30_000, 900_000][pick(3)]))) }
            if pick(2) == 0 {
                account.advance(to: now)
                account.credit(1)
                naive.deposit(now: now)
                events.append((now, true))
            } else {
                let isPaid = account.withdraw(now: now)
                #expect(isPaid == naive.withdraw(now: now), "seed \(seed)")
                if isPaid { events.append((now, false)) }
            }
            naive.pass(to: now)
            let saved = configuration.floorPerSecond > 0 ? naive.floorSaved / naive.interval : 0
            let floor = naive.isSeldom ? saved : naive.isFloorDue(now: now) ? 1 : 0
            #expect(account.balance(now: now) == Double(naive.earned) / 1e6 + Double(floor), "seed \(seed)")
        }
        checkEveryWindow(events, configuration, seed)
    }

    /// The promise, counted event by event without any of the budget's own notions.
    private func checkEveryWindow(
        _ events: [(at: MonotonicInstant, isDeposit: Bool)], _ configuration: RetryBudgetConfiguration, _ seed: UInt64
    ) {
        let burst = Double(configuration.maximumBalance) + Double(configuration.floorBurst)
        for first in events.indices where !events[first].isDeposit {
            var (deposits, withdrawals) = (0, 0)
            for event in events[first...] {
                if event.isDeposit { deposits += 1 } else { withdrawals += 1 }
                let seconds = events[first].at.duration(to: event.at).inSeconds
                let allowed = configuration.share * Double(deposits) + configuration.floorPerSecond * seconds + burst
                guard Double(withdrawals) > allowed + 1e-6 else { continue }
                Issue.record("seed \(seed): \(withdrawals) withdrawals in \(seconds) s, allowed \(allowed)")
                return
            }
        }
    }
}

import Clocks
import Testing

@testable import Resilience

struct RetryBudgetAccountTests {
    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private func account(_ change: (inout RetryBudgetConfiguration) -> Void) -> RetryBudgetAccount {
        var configuration = RetryBudgetConfiguration()
        configuration.floorPerSecond = 0
        change(&configuration)
        return RetryBudgetAccount(configuration, now: at(0))
    }

    /// How many withdrawals succeed at this moment.
    private func drain(_ account: inout RetryBudgetAccount, _ now: MonotonicInstant) -> Int {
        var count = 0
        while account.withdraw(now: now) { count += 1 }
        return count
    }

    @Test("five calls that ended well earn one further call, and a balance that is not whole buys none")
    func share() {
        var account = account { $0.share = 0.2 }
        account.credit(4)
        #expect(drain(&account, at(1)) == 0)
        account.credit(1)
        #expect(account.balance(now: at(1)) == 1)
        #expect(drain(&account, at(1)) == 1)
        #expect(account.balance(now: at(1)) == 0)
    }

    @Test("shares add up exactly", arguments: [0.1, 0.2, 0.3, 0.7, 1, 2.5, 1000])
    func exact(share: Double) {
        var account = account {
            $0.share = share
            $0.maximumBalance = 1_000_000
        }
        for _ in 0..<1000 { account.credit(1) }
        #expect(drain(&account, at(1)) == Int((share * 1000).rounded()))
    }

    @Test("a deposit lives for the lifetime at most, and a tenth of it less at least")
    func expiry() {
        for begin in stride(from: Int64(0), to: 2000, by: 37) {
            var account = account {
                $0.share = 1
                $0.lifetime = .seconds(1)
            }
            account.advance(to: at(begin))
            account.credit(1)
            #expect(account.balance(now: at(begin + 900)) == 1, "begun at \(begin)")
            #expect(account.balance(now: at(begin + 1000)) == 0, "begun at \(begin)")
        }
    }

    @Test("the oldest deposits are spent first, so the youngest outlive them")
    func order() {
        var account = account {
            $0.share = 1
            $0.lifetime = .seconds(1)
        }
        account.credit(2)
        account.advance(to: at(500))
        account.credit(2)
        #expect(account.withdraw(now: at(600)) && account.withdraw(now: at(600)))
        #expect(account.balance(now: at(1100)) == 2)
        #expect(account.balance(now: at(1500)) == 0)
    }

    @Test("no more is saved up than the maximum")
    func maximum() {
        var account = account {
            $0.share = 1
            $0.maximumBalance = 7
        }
        account.credit(5)
        account.credit(.max)
        #expect(drain(&account, at(1)) == 7)
    }

    @Test("the floor needs no deposits, comes with time, and is saved up for one second")
    func floor() {
        var account = account {
            $0.share = 0
            $0.floorPerSecond = 5
        }
        #expect(drain(&account, at(0)) == 5)
        #expect(drain(&account, at(199)) == 0)
        #expect(drain(&account, at(200)) == 1)
        #expect(drain(&account, at(599)) == 1)
        #expect(drain(&account, at(600)) == 1)
        #expect(drain(&account, at(3_600_000)) == 5)
    }

    @Test("a floor of less than one a second allows one at first")
    func lowFloor() {
        var account = account { $0.floorPerSecond = 0.1 }
        #expect(drain(&account, at(0)) == 1)
        #expect(drain(&account, at(9_999)) == 0)
        #expect(drain(&account, at(10_000)) == 1)
    }

    @Test(
        "where calls are not seldom the floor is a share of them, pays nothing beside what is earned, and saves nothing up"
    )
    func scaledFloor() {
        var account = account { $0.floorPerSecond = 3 }
        for slot in 0..<10 {
            account.advance(to: at(Int64(slot) * 100))
            account.credit(1)
        }
        // Ten calls in a second: one is earned, and the floor, three in four seconds, comes that much later.
        #expect(drain(&account, at(950)) == 1)
        let paid = stride(from: Int64(1050), through: 3850, by: 100).filter { account.withdraw(now: at($0)) }
        #expect(paid == [2350, 3750])
        // Once calls are seldom again the floor comes back whole, with time.
        #expect(drain(&account, at(10_500)) == 3)
    }

    @Test(
        "the floor's share grows with the calls, up to the whole floor",
        arguments: [(6, 1334), (20, 1334), (50, 667), (80, 417), (100, 334), (400, 334)] as [(Int64, Int64)])
    func floorShare(calls: Int64, interval: Int64) {
        var account = account {
            $0.floorPerSecond = 3
            $0.share = 0
            $0.lifetime = .seconds(10)
        }
        account.credit(calls * 10)
        let first = account.withdraw(now: at(0))
        #expect(first)
        // What asks in vain is a call too, of hundreds.
        let early = account.withdraw(now: at(interval - 5))
        let due = account.withdraw(now: at(interval))
        #expect(!early && due)
    }

    @Test("with neither share nor floor nothing is ever allowed")
    func nothing() {
        var account = account { $0.share = 0 }
        account.credit(1000)
        #expect(drain(&account, at(1_000_000)) == 0)
    }

    @Test("a moment before the last one changes nothing")
    func backwards() {
        var account = account {
            $0.share = 1
            $0.floorPerSecond = 1
        }
        #expect(drain(&account, at(5000)) == 1)
        account.credit(1)
        #expect(account.balance(now: at(10)) == 1)
        #expect(drain(&account, at(10)) == 1)
        #expect(drain(&account, at(5999)) == 0)
        #expect(drain(&account, at(6000)) == 1)
    }
}

import Testing

@testable import Messaging

@Suite("The messages of one key that wait")
struct ParkedKeyTests {
    private var rules: ParkingRules {
        var rules = ParkingRules()
        rules.attempts = 3
        return rules
    }

    @Test("a head that has failed is tried alone, and its followers only when it has left")
    func alone() {
        var key = ParkedKey<String>()
        key.park("head", failures: 1)
        key.park("a")
        key.park("b")
        #expect(key.next(maximum: 10) == ["head"])
        key.succeeded(1)
        #expect(key.next(maximum: 10) == ["a", "b"])
        #expect(key.next(maximum: 1) == ["a"])
    }

    @Test("after the last attempt the head is given up, and the next one is free")
    func givesUp() {
        var key = ParkedKey<String>()
        key.park("head", failures: 1)
        key.park("follower")
        guard case .wait(let wait) = key.failed(rules, spread: 0) else {
            Issue.record("it may be tried once more")
            return
        }
        #expect(wait == .seconds(1))
        guard case .giveUp(let entry) = key.failed(rules, spread: 0) else {
            Issue.record("it has been tried three times")
            return
        }
        #expect(entry.message == "head")
        #expect(entry.failures == 3)
        #expect(key.next(maximum: 5) == ["follower"])
    }

    @Test("waits grow fourfold to their limit, and spread by up to a fifth")
    func waits() {
        let rules = ParkingRules()
        #expect(rules.wait(after: 1, spread: 0) == .milliseconds(250))
        #expect(rules.wait(after: 3, spread: 0) == .seconds(4))
        #expect(rules.wait(after: 7, spread: 0) == .seconds(20))
        #expect(rules.wait(after: 7, spread: 1) >= .seconds(16))
        #expect(rules.wait(after: 7, spread: 1) < .seconds(16.1))
    }
}

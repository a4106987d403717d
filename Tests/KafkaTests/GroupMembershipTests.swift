import Clocks
import Testing

@testable import Kafka

@Suite("A member's way through its group")
struct GroupMembershipTests {
    private let partition = KafkaPartition(topic: "t", number: 0)
    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private func member() -> GroupMembership {
        GroupMembership(
            commitInterval: .milliseconds(200), handBackPatience: .milliseconds(3000),
            commitPatience: .milliseconds(1000)
        )
    }

    /// A member that consumes, with `count` messages handed out.
    private func consuming(_ count: Int64 = 1) -> (member: GroupMembership, generation: UInt32) {
        var member = member()
        #expect(member.assigned([partition], now: at(0)) == [.assign([partition])])
        var generation: UInt32 = 0
        for offset in 0..<count { generation = member.ledger.handOut(0, offset: offset).generation }
        return (member, generation)
    }

    private func next(_ offset: Int64) -> NextOffset { NextOffset(partition: partition, offset: offset) }

    @Test("finished messages are committed together, one interval after the first")
    func coalescing() {
        var (member, generation) = consuming(3)
        #expect(member.nextTick == nil)
        #expect(member.finished([(0, generation, 0)], now: at(10)).needsTick == true)
        #expect(member.finished([(0, generation, 1)], now: at(50)).needsTick == false, "the commit is due already")
        #expect(member.nextTick == at(210))
        #expect(member.tick(now: at(209)) == [])
        #expect(member.tick(now: at(210)) == [.commit([next(2)])])
        #expect(member.nextTick == nil)
    }

    @Test("one commit at a time: what is finished meanwhile waits for its answer")
    func oneAtATime() {
        var (member, generation) = consuming(2)
        _ = member.finished([(0, generation, 0)], now: at(0))
        #expect(member.tick(now: at(200)) == [.commit([next(1)])])
        #expect(member.finished([(0, generation, 1)], now: at(210)).needsTick == false)
        #expect(member.tick(now: at(1000)) == [])
        #expect(member.commitEnded(succeeded: [next(1)], now: at(1100)) == [])
        #expect(member.tick(now: at(1100)) == [.commit([next(2)])])
    }

    @Test("a refused commit is sent again an interval later")
    func refused() {
        var (member, generation) = consuming()
        _ = member.finished([(0, generation, 0)], now: at(0))
        #expect(member.tick(now: at(200)) == [.commit([next(1)])])
        #expect(member.commitEnded(succeeded: [], now: at(210)) == [])
        #expect(member.nextTick == at(410))
        #expect(member.tick(now: at(410)) == [.commit([next(1)])])
    }

    @Test("partitions nobody works on are given back at once")
    func idleRevocation() {
        var (member, _) = consuming(0)
        #expect(member.revoked(isLost: false, now: at(5)) == [.stopHandingOut, .giveBack])
        #expect(member.phase == .joining)
        #expect(member.ledger.isEmpty)
    }

    @Test("a revocation waits for the batch in work, commits it, and only then gives the partitions back")
    func revocationWaits() {
        var (member, generation) = consuming()
        #expect(member.revoked(isLost: false, now: at(100)) == [.stopHandingOut])
        #expect(member.tick(now: at(1000)) == [])
        #expect(member.finished([(0, generation, 0)], now: at(1500)).needsTick == true)
        #expect(member.tick(now: at(1500)) == [.commit([next(1)])])
        #expect(member.tick(now: at(1600)) == [])
        #expect(member.commitEnded(succeeded: [next(1)], now: at(1700)) == [.giveBack])
        #expect(member.phase == .joining)
    }

    @Test("no periodic commit is sent while a rebalance is under way")
    func noCommitWhileRebalancing() {
        var (member, generation) = consuming(2)
        _ = member.finished([(0, generation, 0)], now: at(0))
        _ = member.revoked(isLost: false, now: at(100))
        #expect(member.tick(now: at(250)) == [], "the commit that was due at 200 waits for the hand-over")
    }

    @Test("a batch that takes too long holds up a rebalance only for the patience agreed")
    func patienceEnds() {
        var (member, generation) = consuming(2)
        _ = member.finished([(0, generation, 0)], now: at(0))
        _ = member.revoked(isLost: false, now: at(100))
        #expect(member.nextTick == at(3100))
        #expect(member.tick(now: at(3100)) == [.handBackTimedOut, .commit([next(1)])])
        #expect(member.commitEnded(succeeded: [next(1)], now: at(3110)) == [.giveBack])
        let (_, ignored) = member.finished([(0, generation, 1)], now: at(4000))
        #expect(ignored == 1, "its partition may be somebody else's now")
    }

    @Test("a last commit that is refused or not answered does not keep the partitions", arguments: [true, false])
    func lastCommitFails(isAnswered: Bool) {
        var (member, generation) = consuming()
        _ = member.finished([(0, generation, 0)], now: at(0))
        #expect(member.revoked(isLost: false, now: at(100)) == [.stopHandingOut, .commit([next(1)])])
        if isAnswered {
            #expect(member.commitEnded(succeeded: [], now: at(200)) == [.giveBack])
        } else {
            #expect(member.tick(now: at(1099)) == [])
            #expect(member.tick(now: at(1100)) == [.giveBack])
            #expect(member.commitEnded(succeeded: [next(1)], now: at(1200)) == [], "too late")
        }
        #expect(member.phase == .joining)
    }

    @Test("a periodic commit under way is waited for before the partitions go")
    func commitUnderWay() {
        var (member, generation) = consuming(2)
        _ = member.finished([(0, generation, 0)], now: at(0))
        _ = member.tick(now: at(200))
        _ = member.finished([(0, generation, 1)], now: at(210))
        #expect(member.revoked(isLost: false, now: at(220)) == [.stopHandingOut])
        #expect(member.commitEnded(succeeded: [next(1)], now: at(230)) == [.commit([next(2)])])
        #expect(member.commitEnded(succeeded: [next(2)], now: at(240)) == [.giveBack])
    }

    @Test("a lost assignment is dropped without a commit, in every phase of giving it back")
    func lost() {
        var (plain, _) = consuming()
        #expect(plain.revoked(isLost: true, now: at(1)) == [.stopHandingOut, .giveBack])
        var (handingBack, _) = consuming()
        _ = handingBack.revoked(isLost: false, now: at(1))
        #expect(handingBack.revoked(isLost: true, now: at(2)) == [.giveBack])
        var (committing, generation) = consuming()
        _ = committing.finished([(0, generation, 0)], now: at(0))
        _ = committing.revoked(isLost: false, now: at(1))
        #expect(committing.revoked(isLost: true, now: at(2)) == [.giveBack])
        for member in [plain, handingBack, committing] { #expect(member.phase == .joining) }
    }

    @Test("leaving commits what is finished, tells the group, and ends when the group has answered")
    func leaving() {
        var (member, generation) = consuming(2)
        _ = member.finished([(0, generation, 0)], now: at(0))
        #expect(member.leave(by: at(5000), now: at(100)) == [.stopHandingOut, .commit([next(1)])])
        #expect(member.commitEnded(succeeded: [next(1)], now: at(120)) == [.leave])
        #expect(member.revoked(isLost: false, now: at(130)) == [.giveBack])
        #expect(member.left() == [.destroy(orderly: true)])
        #expect(member.left() == [], "once")
        #expect(member.phase == .left)
    }

    @Test("leaving ends at its deadline although neither commit nor group answers")
    func leavingWithoutBroker() {
        var (member, generation) = consuming()
        _ = member.finished([(0, generation, 0)], now: at(0))
        _ = member.leave(by: at(2000), now: at(100))
        #expect(member.tick(now: at(1100)) == [.leave])
        #expect(member.tick(now: at(1999)) == [])
        #expect(member.tick(now: at(2000)) == [.destroy(orderly: false)])
    }

    @Test("leaving in the middle of a rebalance gives the partitions back as well")
    func leavingWhileRebalancing() {
        var (member, _) = consuming()
        _ = member.revoked(isLost: false, now: at(10))
        #expect(member.leave(by: at(2000), now: at(20)) == [.stopHandingOut, .giveBack, .leave])
        var (other, generation) = consuming()
        _ = other.finished([(0, generation, 0)], now: at(0))
        _ = other.leave(by: at(2000), now: at(10))
        #expect(other.revoked(isLost: false, now: at(20)) == [], "the last commit first")
        #expect(other.commitEnded(succeeded: [next(1)], now: at(30)) == [.giveBack, .leave])
    }

    @Test("an assignment that arrives while leaving is declined")
    func assignedWhileLeaving() {
        var member = member()
        #expect(member.leave(by: at(100), now: at(0)) == [.stopHandingOut, .leave])
        #expect(member.assigned([partition], now: at(1)) == [.giveBack])
        #expect(member.ledger.isEmpty)
        #expect(member.leave(by: at(50), now: at(2)) == [])
        #expect(member.nextTick == at(50), "the earlier deadline counts")
    }

    @Test("a new assignment without a revocation replaces the old one")
    func replaced() {
        var (member, generation) = consuming()
        #expect(member.assigned([partition], now: at(1)) == [.stopHandingOut, .assign([partition])])
        #expect(member.finished([(0, generation, 0)], now: at(2)).ignored == 1)
    }

    @Test("whatever happens in whatever order, commits are single, none is periodic in a rebalance, and leaving ends")
    func anyOrder() {
        for seed in UInt64(0)..<300 {
            var random = SeededRandomSequence(seed: seed)
            var member = member()
            var inFlight: [NextOffset]?
            var offset: Int64 = 0
            var isAssigned = false
            var clock: Int64 = 0
            func note(_ actions: [GroupMembership.Action], _ phase: GroupMembership.Phase) {
                for action in actions {
                    switch action {
                    case .commit(let offsets):
                        #expect(inFlight == nil, "seed \(seed): two commits at once")
                        #expect(!offsets.isEmpty)
                        inFlight = offsets
                    case .assign: isAssigned = true
                    case .giveBack: isAssigned = false
                    default: break
                    }
                }
            }
            for _ in 0..<120 {
                clock += Int64(random.below(400))
                let phase = member.phase
                switch random.below(8) {
                case 0 where !isAssigned: note(member.assigned([partition], now: at(clock)), phase)
                case 1 where isAssigned:
                    note(member.revoked(isLost: random.below(3) == 0, now: at(clock)), phase)
                case 2, 3:
                    guard phase == .consuming else { continue }
                    _ = member.ledger.handOut(0, offset: offset)
                    offset += 1
                case 4, 5:
                    guard let entry = member.ledger.entries.first, let last = entry.handedOut else { continue }
                    _ = member.finished([(0, entry.generation, last - 1)], now: at(clock))
                case 6:
                    guard let offsets = inFlight else { continue }
                    inFlight = nil
                    note(member.commitEnded(succeeded: random.below(3) == 0 ? [] : offsets, now: at(clock)), phase)
                default: note(member.tick(now: at(clock)), phase)
                }
            }
            note(member.leave(by: at(clock + 1000), now: at(clock)), member.phase)
            for step in Int64(1)...3 { note(member.tick(now: at(clock + step * 1000)), member.phase) }
            #expect(member.phase == .left, "seed \(seed)")
        }
    }
}

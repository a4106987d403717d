import Clocks
import Testing

@testable import Kafka

@Suite("The ledger of assigned partitions")
struct AssignmentLedgerTests {
    private let left = KafkaPartition(topic: "t", number: 0)
    private let right = KafkaPartition(topic: "t", number: 1)

    private func ledger() -> AssignmentLedger {
        var ledger = AssignmentLedger()
        ledger.begin([left, right])
        return ledger
    }

    @Test("the offset committed is one above the last message that is handled, per partition")
    func nextOffset() {
        var ledger = ledger()
        let first = ledger.handOut(0, offset: 10).generation
        _ = ledger.handOut(0, offset: 11)
        let other = ledger.handOut(1, offset: 5).generation
        #expect(ledger.isInProgress && !ledger.isDirty)
        #expect(ledger.takeCommit() == [], "nothing is handled yet")

        #expect(ledger.finish(0, generation: first, offset: 10) == true)
        #expect(ledger.takeCommit() == [NextOffset(partition: left, offset: 11)])
        #expect(ledger.isInProgress, "offset 11 and the other partition are being handled")
        #expect(ledger.finish(0, generation: first, offset: 11) == true)
        #expect(ledger.finish(1, generation: other, offset: 5) == true)
        #expect(!ledger.isInProgress)
    }

    @Test("what is finished while a commit is under way is committed by the next")
    func duringCommit() {
        var ledger = ledger()
        let generation = ledger.handOut(0, offset: 0).generation
        _ = ledger.handOut(0, offset: 1)
        _ = ledger.finish(0, generation: generation, offset: 0)
        let commit = ledger.takeCommit()
        _ = ledger.finish(0, generation: generation, offset: 1)
        ledger.endCommit(succeeded: commit)
        #expect(ledger.entries[0].committed == 1)
        #expect(ledger.takeCommit() == [NextOffset(partition: left, offset: 2)])
    }

    @Test("a refused commit leaves its offsets to be committed again")
    func refused() {
        var ledger = ledger()
        let generation = ledger.handOut(0, offset: 0).generation
        _ = ledger.finish(0, generation: generation, offset: 0)
        let commit = ledger.takeCommit()
        ledger.endCommit(succeeded: [])
        #expect(ledger.isDirty)
        #expect(ledger.takeCommit() == commit)
        ledger.endCommit(succeeded: commit)
        #expect(!ledger.isDirty)
    }

    @Test("a message of an earlier assignment moves nothing")
    func earlierAssignment() {
        var ledger = ledger()
        let old = ledger.handOut(0, offset: 100).generation
        ledger.begin([left])
        #expect(ledger.finish(0, generation: old, offset: 100) == false)
        #expect(ledger.finish(7, generation: old, offset: 100) == false)
        #expect(ledger.takeCommit() == [])
        ledger.end()
        #expect(ledger.finish(0, generation: old, offset: 100) == false)
    }

    @Test("a message before the position means that the log begins anew: old ones move nothing, new ones count")
    func reset() {
        var ledger = ledger()
        let old = ledger.handOut(0, offset: 100).generation
        _ = ledger.finish(0, generation: old, offset: 100)
        ledger.endCommit(succeeded: ledger.takeCommit())
        _ = ledger.handOut(0, offset: 101)

        let (new, resetFrom) = ledger.handOut(0, offset: 0)
        #expect(resetFrom == 102)
        #expect(ledger.finish(0, generation: old, offset: 101) == false)
        #expect(ledger.finish(0, generation: new, offset: 0) == true)
        #expect(ledger.takeCommit() == [NextOffset(partition: left, offset: 1)])
    }

    @Test("what the group has on record is the position until something is finished")
    func recall() {
        var ledger = ledger()
        #expect(ledger.entries[0].position == nil)
        ledger.recall(left, committed: 40)
        #expect(ledger.entries[0].position == 40)
        #expect(!ledger.isDirty)
        ledger.recall(KafkaPartition(topic: "other", number: 3), committed: 1)
        let generation = ledger.handOut(0, offset: 40).generation
        _ = ledger.finish(0, generation: generation, offset: 40)
        #expect(ledger.entries[0].position == 41)
    }

    @Test("against a naive account, no commit ever covers a message that is not handled", arguments: 0..<40)
    func property(seed: UInt64) {
        var random = SeededRandomSequence(seed: seed)
        var ledger = AssignmentLedger()
        ledger.begin([left, right])
        // The naive account: per partition the next offset to come, what is being handled, and what is handled.
        var next: [Int64] = [0, 0]
        var working: [(slot: Int, generation: UInt32, offset: Int64)] = []
        var handled: [Set<Int64>] = [[], []]
        var underWay: [NextOffset] = []
        for _ in 0..<400 {
            switch random.below(6) {
            case 0, 1, 2:
                let slot = random.below(2)
                working.append((slot, ledger.handOut(slot, offset: next[slot]).generation, next[slot]))
                next[slot] += 1
            case 3 where !working.isEmpty:
                let message = working.removeFirst()
                #expect(ledger.finish(message.slot, generation: message.generation, offset: message.offset) == true)
                handled[message.slot].insert(message.offset)
            case 4 where underWay.isEmpty:
                underWay = ledger.takeCommit()
                for offset in underWay {
                    let slot = Int(offset.partition.number)
                    #expect((0..<offset.offset).allSatisfy(handled[slot].contains), "seed \(seed)")
                }
            case 5:
                ledger.endCommit(succeeded: random.below(2) == 0 ? underWay : [])
                underWay = []
            default: break
            }
            #expect(ledger.isInProgress == !working.isEmpty, "seed \(seed)")
        }
    }
}

/// A small seeded generator for tests.
struct SeededRandomSequence {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &+ 0x9E37_79B9_7F4A_7C15
    }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}

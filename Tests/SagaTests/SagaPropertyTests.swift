import Clocks
import Saga
import Testing

/// Whatever arrives, in whatever order and however often, the promises hold.
@Suite("A saga under random inputs")
struct SagaPropertyTests {
    private static let commands = [
        "reserve-stock", "charge-payment", "book-shipment", "commit-stock", "release-stock", "refund-payment",
        "cancel-shipment",
    ]

    @Test("keeps one-final-state and compensated-in-reverse", arguments: 0..<3000 as Range<UInt64>)
    func random(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        var saga = try SagaScenario()
        for _ in 0..<400 where !saga.state.isFinal { step(&saga, random) }
        // From here on everything answers: no saga may be stuck.
        for _ in 0..<200 where !saga.state.isFinal {
            if saga.state.status == .quarantined { saga.redrive() }
            if saga.state.status == .parked { saga.wait(.seconds(100)) }
            if let command = saga.machine.expectedCommand { saga.reply(command) }
        }
        #expect(saga.outcomes.count == 1, "one final state; seed \(seed)")
        #expect(saga.journal.allSatisfy { $0.status != .pending && $0.status != .parked }, "seed \(seed)")
        check(saga, seed: seed)
    }

    private func step(_ saga: inout SagaScenario, _ random: SeededRandom) {
        let command = Self.commands[Int(random.next() % UInt64(Self.commands.count))]
        switch random.next() % 20 {
        case 0: _ = saga.cancel()
        case 1: saga.park(for: .seconds(Int64(random.next() % 30)))
        case 2: saga.redrive()
        case 3, 4, 5: saga.wait(.seconds(Int64(random.next() % 60)))
        case 6: saga.reply(command, .failed(reason: "refused"))
        case 7: saga.reply(command, .nothingToUndo)
        case 8, 9:
            if let expected = saga.machine.expectedCommand { saga.reply(expected, .failed(reason: "refused")) }
        default: saga.reply(command)
        }
        if !saga.state.isFinal, saga.state.status != .quarantined {
            #expect(saga.state.dueAt != nil, "a saga that is not at rest has a due time")
        }
    }

    private func check(_ saga: SagaScenario, seed: UInt64) {
        let actions = saga.journal.filter { $0.kind == .action }
        let undone = saga.journal.filter { $0.kind == .compensation && $0.status == .succeeded }.compactMap(\.undoes)
        switch saga.outcomes.first {
        case .completed:
            #expect(actions.map(\.status) == Array(repeating: .succeeded, count: 5), "seed \(seed)")
            #expect(undone.isEmpty, "seed \(seed)")
        case .compensated:
            // Completed and unknown steps, the last first, each once; never anything behind the pivot.
            let toUndo = actions.filter { $0.status == .succeeded || $0.status == .unknown }.map(\.step)
            #expect(undone == toUndo.reversed(), "seed \(seed)")
            #expect(!saga.sent.contains("(confirm)"), "seed \(seed)")
        case nil: break
        }
    }
}

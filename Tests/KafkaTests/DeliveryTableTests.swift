import Clocks
import Testing

@testable import Kafka

@Suite("The table of deliveries")
struct DeliveryTableTests {
    private typealias Table = DeliveryTable<String>

    private let later = MonotonicInstant(nanoseconds: 1000)
    private func position(_ offset: Int64) -> KafkaPosition { KafkaPosition(topic: "t", partition: 0, offset: offset) }

    @Test("a batch is answered once, when its last record is, in the order of its records")
    func answeredOnce() {
        var table = Table()
        let ticket = table.open(count: 3, deadline: later)
        #expect(table.attach("me", to: ticket) == nil)
        let tokens = (0..<3).map { table.handOver(ticket, index: $0) }
        #expect(table.settle(tokens[2], .success(position(2))) == nil)
        #expect(table.settle(tokens[0], .success(position(0))) == nil)
        #expect(table.settle(tokens[0], .success(position(9))) == nil, "a second report is ignored")
        let done = table.settle(tokens[1], .failure(.deadlineExceeded))
        #expect(done?.waiter == "me")
        #expect(done?.answers == [.success(position(0)), .failure(.deadlineExceeded), .success(position(2))])
        #expect(table.count == 0 && table.unsettled == 0)
    }

    @Test("a report for a batch that is gone touches no other that took its place")
    func lateReport() {
        var table = Table()
        let old = table.open(count: 1, deadline: later)
        let token = table.handOver(old, index: 0)
        _ = table.attach("old", to: old)
        _ = table.settle(token, .success(position(0)))
        let new = table.open(count: 1, deadline: later)
        _ = table.attach("new", to: new)
        #expect(table.settle(token, .success(position(0))) == nil)
        #expect(table.unsettled == 1)
        #expect(table.settle(Table.Token(rawValue: .max), .success(position(0))) == nil)
    }

    @Test("a deadline ends the wait and tells which records may be written; their reports are still taken in")
    func deadline() {
        var table = Table()
        let ticket = table.open(count: 3, deadline: later)
        _ = table.attach("me", to: ticket)
        let first = table.handOver(ticket, index: 0)
        let second = table.handOver(ticket, index: 1)
        _ = table.settle(first, .success(position(0)))
        #expect(table.expire(now: MonotonicInstant(nanoseconds: 999), .deadlineExceeded).isEmpty)
        let done = table.expire(now: later, .deadlineExceeded)
        #expect(done.map(\.waiter) == ["me"])
        #expect(done.first?.answers.first == .success(position(0)))
        #expect(done.first?.answers.dropFirst().map(mayBeWritten) == [true, false])
        #expect(table.expire(now: later, .deadlineExceeded).isEmpty, "once")
        #expect(!table.isWanted(ticket), "the rest is not handed over any more")
        #expect(table.settleRest(ticket, from: 2, .notTaken) == nil)
        #expect(table.count == 1, "one report is still to come")
        #expect(table.settle(second, .success(position(1))) == nil)
        #expect(table.count == 0)
        #expect(table.earliestDeadline == .distantFuture)
    }

    private func mayBeWritten(_ answer: Table.Answer) -> Bool? {
        guard case .failure(let error) = answer else { return nil }
        return error.mayBeWritten
    }

    @Test("a wait that ends before it begins is answered at once, and nothing was written")
    func cancelledBefore() {
        var table = Table()
        let ticket = table.open(count: 2, deadline: later)
        #expect(table.abandon(ticket, .cancelled) == nil, "nobody waits yet")
        let done = table.attach("me", to: ticket)
        #expect(done?.answers.map(mayBeWritten) == [false, false])
        #expect(table.settleRest(ticket, from: 0, .notTaken) == nil)
        #expect(table.count == 0)
    }

    @Test("a record that found no room is not written")
    func takenBack() {
        var table = Table()
        let ticket = table.open(count: 1, deadline: later)
        _ = table.attach("me", to: ticket)
        _ = table.handOver(ticket, index: 0)
        table.takeBack(ticket, index: 0)
        #expect(table.abandon(ticket, .cancelled)?.answers.map(mayBeWritten) == [false])
    }

    @Test("the end answers everyone")
    func end() {
        var table = Table()
        for name in ["a", "b"] {
            let ticket = table.open(count: 2, deadline: later)
            _ = table.attach(name, to: ticket)
        }
        #expect(table.settleAll(.closed).map(\.waiter) == ["a", "b"])
        #expect(table.count == 0 && table.unsettled == 0)
    }

    @Test("whatever happens in whatever order, everyone is answered once and nothing stays", arguments: 0..<60)
    func anyOrder(seed: UInt64) {
        var random = SeededRandomSequence(seed: seed)
        var table = DeliveryTable<Int>()
        var answered: [Int: Int] = [:]
        var tickets: [(ticket: DeliveryTable<Int>.Ticket, name: Int, count: Int, next: Int)] = []
        var underWay: [DeliveryTable<Int>.Token] = []
        var clock: Int64 = 0
        var names = 0
        func note(_ done: [DeliveryTable<Int>.Completion]) {
            for completion in done { answered[completion.waiter, default: 0] += 1 }
        }
        for _ in 0..<300 {
            clock += 1
            switch random.below(6) {
            case 0:
                let count = 1 + random.below(5)
                let deadline = MonotonicInstant(nanoseconds: clock + Int64(random.below(50)))
                let ticket = table.open(count: count, deadline: deadline)
                tickets.append((ticket, names, count, 0))
                note([table.attach(names, to: ticket)].compactMap { $0 })
                names += 1
            case 1, 2:
                let place = random.below(max(1, tickets.count))
                guard tickets.indices.contains(place) else { continue }
                guard tickets[place].next < tickets[place].count, table.isWanted(tickets[place].ticket) else {
                    let rest = table.settleRest(tickets[place].ticket, from: tickets[place].next, .notTaken)
                    note([rest].compactMap { $0 })
                    tickets.remove(at: place)
                    continue
                }
                underWay.append(table.handOver(tickets[place].ticket, index: tickets[place].next))
                tickets[place].next += 1
            case 3, 4:
                guard !underWay.isEmpty else { continue }
                let token = underWay.remove(at: random.below(underWay.count))
                note([table.settle(token, .success(position(clock)))].compactMap { $0 })
            default:
                note(table.expire(now: MonotonicInstant(nanoseconds: clock), .deadlineExceeded))
            }
        }
        note(table.settleAll(.closed))
        #expect(answered.count == names && answered.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        #expect(table.count == 0 && table.unsettled == 0, "seed \(seed)")
    }
}

import Clocks
import Contracts
import Testing

@testable import Messaging

@Suite("The relay's memory")
struct RelayStateTests {
    /// A message of a batch; unless told otherwise, its only one.
    static func row(_ order: UInt64, _ batch: Int64, place: Int = 0, of size: Int = 1) -> OutboxRow {
        let orderID = UUID(high: 0, low: order)
        return OutboxRow(
            position: .init(orderID: orderID, batch: batch, place: place), batchSize: size,
            message: OutgoingMessage(
                topic: .orderEvents,
                envelope: MessageEnvelope(
                    id: UUID(high: UInt64(place), low: UInt64(batch)), source: "/holdfast/test", type: "t",
                    orderID: orderID,
                    time: Timestamp(microseconds: 0), payload: [1])))
    }

    private func sequences(_ rows: [OutboxRow]) -> [Int64] { rows.map(\.position.batch) }

    @Test("sends rows in the order of their commits, one batch at a time")
    func sendsInOrder() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1), Self.row(2, 2), Self.row(1, 3)])
        #expect(sequences(state.takeBatch(maximum: 2)) == [1, 2])
        #expect(state.takeBatch(maximum: 2).isEmpty, "a batch is in flight")
        state.finishBatch(acknowledged: [true, true])
        #expect(sequences(state.takeBatch(maximum: 2)) == [3])
    }

    @Test("a batch is deleted once all of its rows are acknowledged, and goes as a whole")
    func batches() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1, of: 2), Self.row(2, 1, place: 1, of: 2)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true, false])
        #expect(state.takePublished().isEmpty && state.count == 2)
        #expect(
            state.takeBatch(maximum: 5) == [Self.row(2, 1, place: 1, of: 2)], "what is acknowledged is not sent again")
        state.finishBatch(acknowledged: [true])
        #expect(state.takePublished() == [1])
        state.forget([1])
        #expect(state.count == 0)
    }

    @Test("rows of a batch that were not read are not deleted with those that were")
    func partOfABatch() {
        var state = RelayState(limit: 10)
        state.addReadBack([Self.row(1, 1, of: 2)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true])
        #expect(state.takePublished().isEmpty)
        #expect(state.addReadBack([Self.row(1, 1, of: 2), Self.row(2, 1, place: 1, of: 2)]) == 1)
        #expect(state.takeBatch(maximum: 5) == [Self.row(2, 1, place: 1, of: 2)])
        state.finishBatch(acknowledged: [true])
        #expect(state.takePublished() == [1])
    }

    @Test("a row is forgotten only once its deletion is committed")
    func forgetsAfterDeletion() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true])
        let published = state.takePublished()
        #expect(published == [1])
        #expect(state.count == 1)
        state.keep(published)
        #expect(state.takePublished() == published, "a failed deletion is tried again")
        state.forget(published)
        #expect(state.count == 0)
    }

    @Test("after a failure the later rows of the same order are sent again behind it, those of others are not")
    func keepsOrderAfterFailure() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1), Self.row(2, 2), Self.row(1, 3)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [false, true, true])
        #expect(state.takePublished() == [2])
        #expect(sequences(state.takeBatch(maximum: 5)) == [1, 3])
    }

    @Test("rows of an order whose older rows belong to another process wait, and so do the ones behind them")
    func holdsForeignOrders() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1), Self.row(2, 2)], waitingFor: [UUID(high: 0, low: 1)])
        state.add([Self.row(1, 3)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [2])
        state.finishBatch(acknowledged: [true])
        #expect(state.heldOrders == [UUID(high: 0, low: 1)])
        #expect(state.newestHeld == [Self.row(1, 3).position])
        state.release(upTo: state.newestHeld, before: [UUID(high: 0, low: 1): 0])
        #expect(state.takeBatch(maximum: 5).isEmpty)
        state.release(upTo: state.newestHeld, before: [:])
        #expect(sequences(state.takeBatch(maximum: 5)) == [1, 3])
        #expect(state.heldOrders.isEmpty)
    }

    @Test("only rows behind an older row of another process go on waiting; a newer one of theirs waits for ours")
    func releasesUpToForeign() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 2), Self.row(1, 4)], waitingFor: [UUID(high: 0, low: 1)])
        // The other process wrote 1 and 3; 1 is gone.
        state.release(upTo: state.newestHeld, before: [UUID(high: 0, low: 1): OutboxRow.Position.sequence(batch: 3)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [2])
        state.finishBatch(acknowledged: [true])
        #expect(state.newestHeld == [Self.row(1, 4).position])
    }

    @Test("what was held after the table was looked at goes on waiting")
    func releasesOnlyWhatWasAskedAbout() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 2)], waitingFor: [UUID(high: 0, low: 1)])
        let asked = state.newestHeld
        state.add([Self.row(1, 4)], waitingFor: [UUID(high: 0, low: 1)])
        state.release(upTo: asked, before: [:])
        #expect(sequences(state.takeBatch(maximum: 5)) == [2])
        #expect(state.newestHeld == [Self.row(1, 4).position])
    }

    @Test(
        "processes whose rows of the same orders alternate never wait for each other, and keep the order",
        arguments: 0..<20)
    func alternatingProcesses(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var relays = [RelayState(limit: 1000), RelayState(limit: 1000), RelayState(limit: 1000)]
        /// By order: the rows still in the table, oldest first, each with its owner.
        var table: [UUID: [(sequence: Int64, owner: Int)]] = [:]
        var sent: [UUID: [Int64]] = [:]
        for sequence in 1...Int64(300) {
            let owner = Int(random.next() % 3)
            let row = Self.row(random.next() % 4, sequence)
            let order = row.position.orderID
            let isForeign = table[order, default: []].contains { $0.owner != owner }
            relays[owner].add([row], waitingFor: isForeign ? [order] : [])
            table[order, default: []].append((sequence, owner))
        }
        for _ in 0..<1000 where table.values.contains(where: { !$0.isEmpty }) {
            for owner in relays.indices {
                let asked = relays[owner].newestHeld
                var foreign: [UUID: Int64] = [:]
                for position in asked {
                    let older = table[position.orderID, default: []].first {
                        $0.owner != owner && $0.sequence < position.batch
                    }
                    foreign[position.orderID] = older.map { OutboxRow.Position.sequence(batch: $0.sequence) }
                }
                relays[owner].release(upTo: asked, before: foreign)
                let batch = relays[owner].takeBatch(maximum: 5)
                for row in batch { sent[row.position.orderID, default: []].append(row.position.batch) }
                relays[owner].finishBatch(acknowledged: batch.map { _ in true })
                let published = relays[owner].takePublished()
                for order in table.keys { table[order]?.removeAll { published.contains($0.sequence) } }
            }
        }
        #expect(sent.values.map(\.count).reduce(0, +) == 300, "seed \(seed): some wait for ever")
        for (order, sequences) in sent { #expect(sequences == sequences.sorted(), "seed \(seed), order \(order)") }
    }

    @Test("a row read back that is known already is not sent twice")
    func readBackIsDeduplicated() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1)])
        #expect(state.addReadBack([Self.row(1, 1), Self.row(1, 2)]) == 1)
        #expect(sequences(state.takeBatch(maximum: 5)) == [1, 2])
    }

    @Test("when memory is full newer rows stay in the table until reading back has begun")
    func fallsBehind() {
        var state = RelayState(limit: 2)
        state.add([Self.row(1, 1), Self.row(1, 2)])
        state.add([Self.row(1, 3)])
        #expect(state.isBehind)
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true, true])
        state.forget(state.takePublished())
        state.add([Self.row(1, 4)])
        #expect(state.takeBatch(maximum: 5).isEmpty, "4 must not overtake 3")
        _ = state.beginReadingBack(at: MonotonicInstant(nanoseconds: 0))
        state.addReadBack([Self.row(1, 3), Self.row(1, 4)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [3, 4])
    }

    @Test("what is committed while rows are read back goes behind them")
    func aside() {
        var state = RelayState(limit: 2)
        state.add([Self.row(1, 1), Self.row(1, 2)])
        state.add([Self.row(1, 3)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true, true])
        state.forget(state.takePublished())
        _ = state.beginReadingBack(at: MonotonicInstant(nanoseconds: 0))
        state.add([Self.row(1, 4)])
        #expect(state.takeBatch(maximum: 5).isEmpty, "3 is being read")
        state.addReadBack([Self.row(1, 3)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [3, 4])
    }

    @Test("rows of an order with an unknown commit wait until the table has told what became of it")
    func unknownCommit() {
        let order = Self.row(1, 0).position.orderID
        var state = RelayState(limit: 10)
        let then = MonotonicInstant(nanoseconds: 3)
        state.expect([order], until: then)
        state.add([Self.row(1, 2), Self.row(2, 3)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [3])
        state.finishBatch(acknowledged: [true])
        #expect(state.newestHeld.isEmpty, "the table is not asked for foreign rows yet")
        let early = state.beginReadingBack(at: MonotonicInstant(nanoseconds: 2))
        #expect(early.isEmpty)
        state.addReadBack([])
        let orders = state.beginReadingBack(at: then)
        #expect(orders == [order])
        state.addReadBack([Self.row(1, 1), Self.row(1, 2)])
        state.release(upTo: state.newestHeld, before: [:])
        #expect(sequences(state.takeBatch(maximum: 5)) == [1, 2])
    }

    @Test(
        "whatever fails, each order's rows are acknowledged in order and none is lost",
        arguments: 0..<300 as Range<UInt64>)
    func keepsOrderUnderRandomFailures(seed: UInt64) {
        var world = RelayWorld(seed: seed)
        for _ in 0..<120 { world.step() }
        world.finish()
        for (order, sequences) in world.acknowledged {
            #expect(sequences == sequences.sorted(), "order \(order), seed \(seed)")
        }
        #expect(world.acknowledged.values.map(\.count).reduce(0, +) == world.written, "seed \(seed)")
        #expect(world.state.count == 0)
    }

    @Test("rows taken over go before the rows that waited for them, and newer ones behind")
    func takenOver() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 5)], waitingFor: [Self.row(1, 5).position.orderID])
        state.addTakenOver([Self.row(1, 3), Self.row(1, 7), Self.row(2, 8)])
        #expect(state.takeBatch(maximum: 10).map(\.position.batch) == [3, 8])
        state.finishBatch(acknowledged: [true, true])
        state.release(upTo: state.newestHeld, before: [:])
        #expect(state.takeBatch(maximum: 10).map(\.position.batch) == [5, 7])
    }
}

/// A relay, its table and its broker: commits, some with an answer that is lost, full memory, reading back while more is
/// committed, and batches of which the broker takes what it likes.
private struct RelayWorld {
    let random: SeededRandom
    var state: RelayState
    var table: [OutboxRow] = []
    var acknowledged: [UInt64: [Int64]] = [:]
    var written = 0
    private var batch: Int64 = 0
    var now = MonotonicInstant(nanoseconds: 0)
    private var reading: (rows: [OutboxRow], isComplete: Bool, wasBehind: Bool)?
    private static let readLimit = 12

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        state = RelayState(limit: 20 + Int(seed % 5) * 10)
    }

    mutating func step() {
        now = now.advanced(by: .milliseconds(1))
        if random.next() % 3 != 0 { commit() }
        if random.next() % 2 == 0 { read() }
        if random.next() % 3 != 0 { send(keeping: { $0.next() % 3 != 0 }) }
        release()
    }

    private mutating func commit() {
        batch += 1
        let size = Int(random.next() % 6)
        let rows = (0..<size).map { RelayStateTests.row(random.next() % 4, batch, place: $0, of: size) }
        table += rows
        written += rows.count
        if random.next() % 4 == 0 {
            state.expect(rows.map(\.position.orderID), until: now.advanced(by: .milliseconds(3)))
        } else {
            state.add(rows)
        }
    }

    /// Begins a look at the table, or ends the one under way; what happens in between is not in its answer.
    private mutating func read() {
        guard let look = reading else {
            let wasBehind = state.isBehind
            let decidable = state.beginReadingBack(at: now)
            let last = table.prefix(wasBehind ? Self.readLimit : 0).last?.position.batch ?? 0
            let rows = table.prefix { $0.position.batch <= last }
            let wanted = table.filter { decidable.contains($0.position.orderID) }
            let all = Set(rows).union(wanted).sorted { $0.position.sequence < $1.position.sequence }
            reading = (all, !wasBehind || rows.count < Self.readLimit, wasBehind)
            return
        }
        reading = nil
        if random.next() % 5 == 0 {
            state.failReadingBack(wasBehind: look.wasBehind)
        } else {
            // Deleted meanwhile: published again in life, which receivers recognise; here it would only blur the picture.
            let rows = look.rows.filter { table.contains($0) }
            state.addReadBack(rows, isComplete: look.isComplete)
        }
    }

    private mutating func send(keeping: (SeededRandom) -> Bool) {
        let batch = state.takeBatch(maximum: Int(random.next() % 5) + 1)
        guard !batch.isEmpty else { return }
        let kept = batch.map { _ in keeping(random) }
        var failed: Set<UUID> = []
        for (row, isKept) in zip(batch, kept) {
            guard isKept, !failed.contains(row.position.orderID) else {
                failed.insert(row.position.orderID)
                continue
            }
            acknowledged[row.position.orderID.low, default: []].append(row.position.sequence)
        }
        state.finishBatch(acknowledged: kept)
        let published = state.takePublished()
        state.forget(published)
        table.removeAll { published.contains($0.position.batch) }
    }

    private mutating func release() {
        state.release(upTo: state.newestHeld, before: [:])
    }

    mutating func finish() {
        for _ in 0..<2000 where !table.isEmpty {
            now = now.advanced(by: .milliseconds(1))
            read()
            release()
            send(keeping: { _ in true })
        }
    }
}

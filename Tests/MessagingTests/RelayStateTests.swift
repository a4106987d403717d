import Clocks
import Contracts
import Testing

@testable import Messaging

@Suite("The relay's memory")
struct RelayStateTests {
    static func row(_ order: UInt64, _ sequence: Int64) -> OutboxRow {
        let orderID = UUID(high: 0, low: order)
        return OutboxRow(
            position: .init(orderID: orderID, sequence: sequence),
            message: OutgoingMessage(
                topic: .orderEvents,
                envelope: MessageEnvelope(
                    id: UUID(high: 1, low: UInt64(sequence)), source: "/holdfast/test", type: "t", orderID: orderID,
                    time: Timestamp(microseconds: 0), payload: [1])))
    }

    private func sequences(_ rows: [OutboxRow]) -> [Int64] { rows.map(\.position.sequence) }

    @Test("sends rows in the order of their commits, one batch at a time")
    func sendsInOrder() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1), Self.row(2, 2), Self.row(1, 3)])
        #expect(sequences(state.takeBatch(maximum: 2)) == [1, 2])
        #expect(state.takeBatch(maximum: 2).isEmpty, "a batch is in flight")
        state.finishBatch(acknowledged: [true, true])
        #expect(sequences(state.takeBatch(maximum: 2)) == [3])
    }

    @Test("a row is forgotten only once its deletion is committed")
    func forgetsAfterDeletion() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 1)])
        _ = state.takeBatch(maximum: 5)
        state.finishBatch(acknowledged: [true])
        let published = state.takePublished()
        #expect(published.map(\.sequence) == [1])
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
        #expect(state.takePublished().map(\.sequence) == [2])
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
        state.release(except: [UUID(high: 0, low: 1)])
        #expect(state.takeBatch(maximum: 5).isEmpty)
        state.release(except: [])
        #expect(sequences(state.takeBatch(maximum: 5)) == [1, 3])
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
        state.beginReadingBack()
        state.addReadBack([Self.row(1, 3), Self.row(1, 4)])
        #expect(sequences(state.takeBatch(maximum: 5)) == [3, 4])
    }

    @Test(
        "whatever fails, each order's rows are acknowledged in order and none is lost",
        arguments: 0..<200 as Range<UInt64>)
    func keepsOrderUnderRandomFailures(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var state = RelayState(limit: 1000)
        var acknowledged: [UInt64: [Int64]] = [:]
        var sequence: Int64 = 0
        for _ in 0..<60 {
            if random.next() % 3 != 0 {
                let rows = (0..<random.next() % 6).map { _ in
                    sequence += 1
                    return Self.row(random.next() % 4, sequence)
                }
                state.add(rows)
            }
            let batch = state.takeBatch(maximum: Int(random.next() % 5) + 1)
            let answers = batch.map { _ in random.next() % 3 != 0 }
            guard !batch.isEmpty else { continue }
            state.finishBatch(acknowledged: answers)
            for position in state.takePublished() {
                acknowledged[position.orderID.low, default: []].append(position.sequence)
                state.forget([position])
            }
        }
        while case let batch = state.takeBatch(maximum: 7), !batch.isEmpty {
            state.finishBatch(acknowledged: batch.map { _ in true })
            for position in state.takePublished() {
                acknowledged[position.orderID.low, default: []].append(position.sequence)
                state.forget([position])
            }
        }
        for (order, sequences) in acknowledged {
            #expect(sequences == sequences.sorted(), "order \(order), seed \(seed)")
        }
        #expect(acknowledged.values.map(\.count).reduce(0, +) == Int(sequence), "seed \(seed)")
        #expect(state.count == 0)
    }

    @Test("rows taken over go before the rows that waited for them, and newer ones behind")
    func takenOver() {
        var state = RelayState(limit: 10)
        state.add([Self.row(1, 5)], waitingFor: [Self.row(1, 5).position.orderID])
        state.addTakenOver([Self.row(1, 3), Self.row(1, 7), Self.row(2, 8)])
        #expect(state.takeBatch(maximum: 10).map(\.position.sequence) == [3, 8])
        state.finishBatch(acknowledged: [true, true])
        state.release(except: [])
        #expect(state.takeBatch(maximum: 10).map(\.position.sequence) == [5, 7])
    }
}

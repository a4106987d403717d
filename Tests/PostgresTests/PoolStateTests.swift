import Clocks
import Testing

@testable import Postgres

@Suite("The pool's bookkeeping")
struct PoolStateTests {
    private func connection(_ acquired: PoolState<Int>.Acquired) -> Int? {
        guard case .connection(let connection) = acquired else { return nil }
        return connection
    }

    private func isNew(_ acquired: PoolState<Int>.Acquired) -> Bool {
        if case .makeConnection = acquired { true } else { false }
    }

    private func isClosed(_ released: PoolState<Int>.Released) -> Bool {
        if case .close = released { true } else { false }
    }

    @Test("makes a connection only where none is idle, and hands out the one used last")
    func reuse() {
        var pool = PoolState<Int>(maximum: 2)
        let first = pool.acquire()
        let second = pool.acquire()
        #expect(isNew(first) && isNew(second))
        #expect(pool.busy == 2)
        let kept = [pool.release(7, isUsable: true), pool.release(8, isUsable: true)]
        #expect(!isClosed(kept[0]) && !isClosed(kept[1]))
        #expect(pool.idle == [7, 8] && pool.busy == 0)
        let reused = [pool.acquire(), pool.acquire()]
        #expect(reused.map(connection) == [8, 7])
    }

    @Test("forgets a broken connection; the next one is new")
    func broken() {
        var pool = PoolState<Int>(maximum: 1)
        _ = pool.acquire()
        let released = pool.release(7, isUsable: false)
        #expect(isClosed(released))
        #expect(pool.busy == 0 && pool.idle.isEmpty)
        let next = pool.acquire()
        #expect(isNew(next))
    }

    @Test("closed, it hands out nothing and closes what comes back")
    func closed() {
        var pool = PoolState<Int>(maximum: 3)
        for _ in 0..<2 { _ = pool.acquire() }
        _ = pool.release(7, isUsable: true)
        let idle = pool.close()
        #expect(idle == [7])
        let late = pool.acquire()
        guard case .closed = late else { return #expect(Bool(false)) }
        let released = pool.release(8, isUsable: true)
        #expect(isClosed(released))
        #expect(pool.busy == 0 && pool.idle.isEmpty)
    }

    @Test(
        "counts as a naive model does, whatever is acquired, released and broken", arguments: 0..<300 as Range<UInt64>)
    func random(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var pool = PoolState<Int>(maximum: 3)
        var held: [Int] = []
        var idle: [Int] = []
        var made = 0
        for _ in 0..<300 {
            if random.next() % 2 == 0, held.count < 3 {
                let acquired = pool.acquire()
                if let expected = idle.popLast() {
                    #expect(connection(acquired) == expected, "seed \(seed)")
                    held.append(expected)
                } else {
                    #expect(isNew(acquired), "seed \(seed)")
                    made += 1
                    held.append(made)
                }
            } else if !held.isEmpty {
                let connection = held.remove(at: Int(random.next() % UInt64(held.count)))
                let isUsable = random.next() % 4 != 0
                let released = pool.release(connection, isUsable: isUsable)
                #expect(isClosed(released) == !isUsable, "seed \(seed)")
                if isUsable { idle.append(connection) }
            }
            #expect(pool.busy == held.count && pool.idle == idle, "seed \(seed)")
        }
    }
}

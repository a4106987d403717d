import Clocks
import Testing

@testable import Postgres

@Suite("The pool's bookkeeping")
struct PoolStateTests {
    @Test("makes connections up to its maximum, then queues, then refuses")
    func bounds() {
        var pool = PoolState<Int>(maximum: 1, queueLimit: 1)
        guard case .makeConnection = pool.acquire(1) else { return #expect(Bool(false)) }
        guard case .wait = pool.acquire(2) else { return #expect(Bool(false)) }
        guard case .full = pool.acquire(3) else { return #expect(Bool(false)) }
        #expect(pool.busy == 1 && pool.waiters == [2])
    }

    @Test("gives a released connection to whoever waits longest")
    func fair() {
        var pool = PoolState<Int>(maximum: 1, queueLimit: 9)
        for waiter in 1...3 { _ = pool.acquire(UInt64(waiter)) }
        guard case .handTo(2) = pool.release(7, isUsable: true) else { return #expect(Bool(false)) }
        guard case .handTo(3) = pool.release(7, isUsable: true) else { return #expect(Bool(false)) }
        guard case .idle = pool.release(7, isUsable: true) else { return #expect(Bool(false)) }
        guard case .connection(7) = pool.acquire(4) else { return #expect(Bool(false)) }
    }

    @Test("replaces a broken connection for the one who waits, and forgets one nobody waits for")
    func broken() {
        var pool = PoolState<Int>(maximum: 1, queueLimit: 9)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        guard case .replaceFor(2) = pool.release(7, isUsable: false) else { return #expect(Bool(false)) }
        guard case .close = pool.release(8, isUsable: false) else { return #expect(Bool(false)) }
        #expect(pool.busy == 0 && pool.idle.isEmpty)
    }

    @Test("whoever gives up is not served, and giving up after being served is told")
    func abandon() {
        var pool = PoolState<Int>(maximum: 1, queueLimit: 9)
        for waiter in 1...3 { _ = pool.acquire(UInt64(waiter)) }
        let isFirst = pool.abandon(2)
        #expect(isFirst)
        guard case .handTo(3) = pool.release(7, isUsable: true) else { return #expect(Bool(false)) }
        let isLate = pool.abandon(3)
        #expect(!isLate)
    }

    @Test("closed, it hands out nothing and closes what comes back")
    func closed() {
        var pool = PoolState<Int>(maximum: 2, queueLimit: 9)
        for waiter in 1...3 { _ = pool.acquire(UInt64(waiter)) }
        _ = pool.abandon(3)
        _ = pool.release(7, isUsable: true)
        _ = pool.acquire(4)
        _ = pool.acquire(5)
        let (connections, waiters) = pool.close()
        #expect(connections.isEmpty && waiters == [5])
        guard case .closed = pool.acquire(6) else { return #expect(Bool(false)) }
        guard case .close = pool.release(7, isUsable: true) else { return #expect(Bool(false)) }
    }

    @Test(
        "never has more than its maximum and never lets one wait beside an idle one",
        arguments: 0..<300 as Range<UInt64>)
    func random(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var pool = PoolState<Int>(maximum: 3, queueLimit: 4)
        var held = 0
        var next: UInt64 = 0
        // The naive model: who waits, in order.
        var queue: [UInt64] = []
        for _ in 0..<300 {
            switch random.next() % 5 {
            case 0, 1, 2:
                next += 1
                switch pool.acquire(next) {
                case .connection, .makeConnection: held += 1
                case .wait: queue.append(next)
                case .full: #expect(queue.count == 4, "seed \(seed)")
                case .closed: #expect(Bool(false), "seed \(seed)")
                }
            case 3 where held > 0:
                switch pool.release(0, isUsable: random.next() % 4 != 0) {
                case .handTo(let waiter), .replaceFor(let waiter):
                    #expect(queue.removeFirst() == waiter, "seed \(seed)")
                case .idle, .close: held -= 1
                }
            case 4 where !queue.isEmpty:

                let isWaiting = pool.abandon(queue.removeLast())
                #expect(isWaiting, "seed \(seed)")
            default: break
            }
            #expect(pool.busy == held && held + pool.idle.count <= 3, "seed \(seed)")
            #expect(queue.isEmpty || (pool.idle.isEmpty && held == 3), "seed \(seed)")
            #expect(pool.waiters == queue, "seed \(seed)")
        }
    }
}

import Clocks

/// Who has a place and who waits for one, without clock, lock or tasks of its own.
///
/// A place is free only while nobody waits: whoever comes later never overtakes.
struct BulkheadMachine: Sendable {
    enum Decision: Hashable {
        case admitted
        case queued
        case full
    }

    /// Whom to tell what after a place was given back.
    struct Release: Hashable {
        /// The one who has the place now.
        var next: UInt64?
        /// Those who had waited too long.
        var expired: [UInt64] = []
    }

    private struct Waiter {
        let id: UInt64
        let expiresAt: MonotonicInstant
    }

    let limit: Int
    let queueLimit: Int
    /// Never above `limit`; equal to it while anybody waits.
    var inUse = 0
    /// First come, first served. Those who left are taken out when they leave, so the queue is never longer than its
    /// limit.
    private var queue: [Waiter] = []

    init(limit: Int, queueLimit: Int) {
        self.limit = limit
        self.queueLimit = queueLimit
    }

    var waiting: Int { queue.count }

    mutating func tryAcquire() -> Bool {
        guard inUse < limit else { return false }
        inUse += 1
        return true
    }

    mutating func acquire(_ id: UInt64, expiresAt: MonotonicInstant) -> Decision {
        if tryAcquire() { return .admitted }
        guard queue.count < queueLimit else { return .full }
        queue.append(Waiter(id: id, expiresAt: expiresAt))
        return .queued
    }

    /// Gives a place back, or on to the first who still waits for it.
    mutating func release(now: MonotonicInstant) -> Release {
        precondition(inUse > 0, "a place is given back once")
        var release = Release()
        while let first = queue.first {
            queue.removeFirst()
            if first.expiresAt > now {
                release.next = first.id
                return release
            }
            release.expired.append(first.id)
        }
        inUse -= 1
        return release
    }

    /// Takes out one who no longer waits. False if there is no such: it has a place, or was told already.
    mutating func leave(_ id: UInt64) -> Bool {
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return false }
        queue.remove(at: index)
        return true
    }

    /// Takes out all who wait, in their order; whoever has a place keeps it.
    mutating func dismissWaiting() -> [UInt64] {
        defer { queue = [] }
        return queue.map(\.id)
    }
}

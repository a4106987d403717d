import Clocks

/// Names a call within a client.
typealias CallID = UInt64

/// Who runs and who waits: at most so many calls per authority at once, the others first come, first served, and a
/// deadline that runs for both.
///
/// Pure: the caller does what the answers say and reports what happened.
struct CallSchedule {
    enum Admission: Equatable {
        /// Start it now; it holds one of the authority's places.
        case start
        /// It waits; it is started by ``finish(_:now:)`` of another, or reported by ``expire(now:)``.
        case wait
        /// Its deadline has passed already; it is not known here.
        case expired
        /// The authority's queue is full; it is not known here.
        case queueFull
    }

    private struct Call {
        var authority: String
        var deadline: MonotonicInstant
        var isRunning: Bool
    }

    /// The calls of one authority. `queue` is in order of arrival and may still name calls that have gone.
    private struct Lane {
        var running = 0
        var waiting = 0
        var queue: [CallID] = []
        var head = 0
    }

    private let places: Int
    private let queueLimit: Int
    private var calls: [CallID: Call] = [:]
    private var lanes: [String: Lane] = [:]
    /// No deadline is before this one. It may be earlier than all of them: then one look too many corrects it.
    private var earliest = MonotonicInstant.distantFuture

    init(places: Int, queueLimit: Int) {
        precondition(places > 0 && queueLimit >= 0, "a schedule needs a place")
        self.places = places
        self.queueLimit = queueLimit
    }

    var runningCount: Int { lanes.values.reduce(0) { $0 + $1.running } }
    var waitingCount: Int { lanes.values.reduce(0) { $0 + $1.waiting } }

    /// When to call ``expire(now:)`` at the latest.
    var nextDeadline: MonotonicInstant { earliest }

    mutating func admit(
        _ id: CallID, authority: String, deadline: MonotonicInstant, now: MonotonicInstant
    ) -> Admission {
        precondition(calls[id] == nil, "call \(id) is known already")
        guard deadline > now else { return .expired }
        var lane = lanes[authority] ?? Lane()
        // A free place means that nobody waits but calls that have expired: no one is overtaken.
        let mayStart = lane.running < places
        guard mayStart || lane.waiting < queueLimit else { return .queueFull }
        if mayStart {
            lane.running += 1
        } else {
            lane.waiting += 1
            lane.queue.append(id)
        }
        lanes[authority] = lane
        calls[id] = Call(authority: authority, deadline: deadline, isRunning: mayStart)
        earliest = min(earliest, deadline)
        return mayStart ? .start : .wait
    }

    /// Forgets the call, whether it ran or waited; returns the call that starts in its place, if any. Unknown calls are
    /// ignored: they have been finished before.
    mutating func finish(_ id: CallID, now: MonotonicInstant) -> CallID? {
        guard let call = calls.removeValue(forKey: id), var lane = lanes.removeValue(forKey: call.authority) else {
            return nil
        }
        var next: CallID?
        if call.isRunning {
            lane.running -= 1
            next = takeWaiting(from: &lane, now: now)
        } else {
            lane.waiting -= 1
            compact(&lane)
        }
        if lane.running > 0 || lane.waiting > 0 { lanes[call.authority] = lane }
        return next
    }

    /// The calls whose deadline has passed; each is to be ended with ``finish(_:now:)``.
    mutating func expire(now: MonotonicInstant) -> [CallID] {
        guard now >= earliest else { return [] }
        var expired: [CallID] = []
        earliest = .distantFuture
        for (id, call) in calls {
            if call.deadline <= now { expired.append(id) } else { earliest = min(earliest, call.deadline) }
        }
        return expired.sorted()
    }

    /// Calls that have expired are left for ``expire(now:)`` and do not take the place.
    private mutating func takeWaiting(from lane: inout Lane, now: MonotonicInstant) -> CallID? {
        var found: CallID?
        while found == nil, lane.head < lane.queue.count {
            let id = lane.queue[lane.head]
            lane.head += 1
            guard let call = calls[id], !call.isRunning else { continue }
            if call.deadline > now { found = id }
        }
        if let found {
            calls[found]?.isRunning = true
            lane.running += 1
            lane.waiting -= 1
        }
        if lane.head == lane.queue.count || lane.head > 64 {
            lane.queue.removeFirst(lane.head)
            lane.head = 0
        }
        return found
    }

    /// Keeps the queue from growing by calls that were cancelled while they waited.
    private func compact(_ lane: inout Lane) {
        guard lane.queue.count - lane.head > 2 * lane.waiting + 64 else { return }
        lane.queue = lane.queue[lane.head...].filter { calls[$0].map { !$0.isRunning } ?? false }
        lane.head = 0
    }
}

import Clocks
import Resilience
import TestSupport

/// A world of one dependency and the calls to it; time moves only when everybody sleeps.
final class StormWorld: Sendable {
    /// What reached the dependency, and what came of the calls.
    private struct Tally {
        var arrivals: [MonotonicInstant] = []
        var ended: [(at: MonotonicInstant, isGood: Bool)] = []
        var running = 0
        /// Calls at the dependency.
        var atWork = 0
        /// Durable work that has to be done again, by when it is due; the oldest first.
        var backlog: [MonotonicInstant] = []
        /// Pieces of the backlog that are being repeated.
        var repeating = 0
        var longestBacklog = 0
        var lastBacklogged: MonotonicInstant?
    }

    /// Work that failed is due again after this time.
    private static let repeatDelay = Duration.milliseconds(500)

    let time = TestTime()
    private let tally = Lock(Tally())
    private let begin: MonotonicInstant
    private let outage: Range<Duration>
    private let latency: Duration
    private let capacity: Int

    /// - Parameters:
    ///   - latency: What each call takes, also while the dependency is down.
    ///   - capacity: With more calls than this at once it fails those on top.
    init(outage: Range<Duration>, latency: Duration, capacity: Int = .max) {
        begin = time.now
        self.outage = outage
        self.latency = latency
        self.capacity = capacity
    }

    // MARK: Calls

    /// The dependency: while it is down it costs the same time to find out.
    private func answer() async throws(ProviderDown) {
        let now = time.now
        let isOverloaded = tally.withLock { tally in
            tally.arrivals.append(now)
            tally.atWork += 1
            return tally.atWork > capacity
        }
        defer { tally.withLock { $0.atWork -= 1 } }
        do { try await time.sleep(for: latency) } catch { throw ProviderDown() }
        if isOverloaded || outage.contains(begin.duration(to: now)) { throw ProviderDown() }
    }

    private func isGood(_ pipeline: Pipeline) async -> Bool {
        let result = await pipeline.call { (_) async throws(ProviderDown) in try await self.answer() }
        return if case .success = result { true } else { false }
    }

    private func call(_ pipeline: Pipeline, isDurable: Bool) async {
        let isGood = await isGood(pipeline)
        let now = time.now
        tally.withLock { tally in
            tally.running -= 1
            tally.ended.append((now, isGood))
            if isDurable, !isGood { tally.backlog.append(now.advanced(by: Self.repeatDelay)) }
        }
    }

    /// Does a piece of the backlog; if that fails it goes back there.
    private func work(_ pipeline: Pipeline) async {
        let isGood = await isGood(pipeline)
        let now = time.now
        tally.withLock { tally in
            tally.running -= 1
            tally.repeating -= 1
            if !isGood { tally.backlog.append(now.advanced(by: Self.repeatDelay)) }
        }
    }

    // MARK: Time

    /// Returns once every call that is under way sleeps.
    private func settle() async {
        while time.sleeperCount < tally.withLock({ $0.running }) { await Task.yield() }
    }

    /// Offers so many calls a second, evenly, and lets all of them end. With workers, calls that failed are repeated, at
    /// most so many at a time, until none is left or a minute has passed.
    func offer(_ rate: Int, for length: Duration, to pipeline: Pipeline, workers: Int = 0) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            let interval = Duration.seconds(1) / rate
            var next = begin
            let end = begin.advanced(by: length)
            while true {
                await settle()
                let work = claim(pipeline, workers: workers)
                for _ in 0..<work.claimed { group.addTask { await self.work(pipeline) } }
                if work.claimed > 0 { continue }
                let isOver = next >= end
                if isOver, isDone || time.now >= begin.advanced(by: .seconds(60)) { return }
                let timer = [time.earliestTimer, work.nextDue].compactMap { $0 }.min()
                if !isOver, timer.map({ next <= $0 }) ?? true {
                    time.advance(to: next)
                    tally.withLock { $0.running += 1 }
                    group.addTask { await self.call(pipeline, isDurable: workers > 0) }
                    next = next.advanced(by: interval)
                } else if let timer {
                    time.advance(to: timer)
                }
            }
        }
    }

    private var isDone: Bool { tally.withLock { $0.running == 0 && $0.backlog.isEmpty } }

    /// Takes what is due and there is room for from the backlog, or else says when to look again; nil when somebody
    /// who is under way has to end first.
    private func claim(_ pipeline: Pipeline, workers: Int) -> (claimed: Int, nextDue: MonotonicInstant?) {
        let now = time.now
        let openUntil = pipeline.breaker?.openUntil
        let isClosed = pipeline.breaker?.state ?? .closed == .closed
        return tally.withLock { tally in
            tally.longestBacklog = max(tally.longestBacklog, tally.backlog.count)
            guard let first = tally.backlog.first else {
                if tally.repeating > 0 { tally.lastBacklogged = now }
                return (0, nil)
            }
            tally.lastBacklogged = now
            // Nothing is begun in vain: nothing while the breaker refuses, and one at a time while it is not closed.
            if let openUntil { return (0, max(openUntil, first)) }
            let room = (isClosed ? workers : 1) - tally.repeating
            guard room > 0 else { return (0, nil) }
            let due = tally.backlog.prefix(room).prefix { $0 <= now }.count
            tally.backlog.removeFirst(due)
            tally.repeating += due
            tally.running += due
            return (due, due == 0 ? first : nil)
        }
    }

    // MARK: What was seen

    /// The most arrivals within any stretch of this length that ends before `end`.
    func peak(within length: Duration, until end: Duration = .seconds(3600)) -> Int {
        let arrivals = tally.withLock { $0.arrivals }.prefix { begin.duration(to: $0) < end }
        var most = 0
        var first = 0
        for (last, arrival) in arrivals.enumerated() {
            while arrivals[first].duration(to: arrival) >= length { first += 1 }
            most = max(most, last - first + 1)
        }
        return most
    }

    func failures(from start: Duration, to end: Duration) -> Int {
        tally.withLock { tally in
            tally.ended.count { ended in
                !ended.isGood && (start..<end).contains(begin.duration(to: ended.at))
            }
        }
    }

    var longestBacklog: Int { tally.withLock { $0.longestBacklog } }

    /// What is still to be repeated.
    var backlog: Int { tally.withLock { $0.backlog.count + $0.repeating } }

    /// When there was still work to be repeated; nil when there never was.
    var lastBacklogged: Duration? { tally.withLock { $0.lastBacklogged }.map { begin.duration(to: $0) } }
}

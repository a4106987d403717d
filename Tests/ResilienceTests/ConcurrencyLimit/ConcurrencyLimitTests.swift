import Clocks
import TestSupport
import Testing

@testable import Resilience

struct ConcurrencyLimitTests {
    private let time = TestTime()
    private let log = EventLog()

    private func limit(_ change: (inout ConcurrencyLimitConfiguration) -> Void = { _ in }) -> ConcurrencyLimit {
        var configuration = ConcurrencyLimitConfiguration()
        configuration.initialLimit = 10
        change(&configuration)
        return ConcurrencyLimit(name: "orders", configuration: configuration, time: time, observer: log.observer)
    }

    private func permit(_ limit: ConcurrencyLimit, _ priority: CallPriority = .critical) -> ConcurrencyPermit? {
        switch limit.admit(priority) {
        case .permitted(let permit): permit
        case .rejected: nil
        }
    }

    private func rejection(_ limit: ConcurrencyLimit, _ priority: CallPriority) -> Rejection? {
        switch limit.admit(priority) {
        case .permitted: nil
        case .rejected(let rejection): rejection
        }
    }

    /// So many calls one after another, each with this latency and outcome.
    private func call(_ limit: ConcurrencyLimit, times: Int, lasting latency: Duration, _ outcome: LimitedCallOutcome) {
        for _ in 0..<times {
            guard let permit = permit(limit) else { return }
            time.advance(by: latency)
            permit.finish(outcome)
        }
    }

    private func fill(_ limit: ConcurrencyLimit, _ count: Int) -> [Held] {
        var held: [Held] = []
        for _ in 0..<count {
            guard let permit = permit(limit) else { break }
            held.append(Held(permit))
        }
        return held
    }

    /// A permit in an array.
    private final class Held {
        private var permit: ConcurrencyPermit?

        init(_ permit: consuming ConcurrencyPermit) { self.permit = consume permit }

        func finish(_ outcome: LimitedCallOutcome) { permit.take()?.finish(outcome) }
    }

    @Test("each priority is admitted up to its share of the limit, and told so when it is refused")
    func shares() {
        let limit = limit()
        let seven = fill(limit, 7)
        let background = Rejection.limitReached(limiter: "orders", limit: 10, priority: .background)
        #expect(rejection(limit, .background) == background)
        let nine = fill(limit, 2)
        #expect(rejection(limit, .normal) == .limitReached(limiter: "orders", limit: 10, priority: .normal))
        let ten = fill(limit, 1)
        #expect(rejection(limit, .critical) == .limitReached(limiter: "orders", limit: 10, priority: .critical))
        #expect(log.events.count == 3 && log.events.first == .rejected(background))
        let snapshot = limit.snapshot
        #expect(snapshot.inFlight == 10 && snapshot.limit == 10)
        #expect(snapshot.admitted.total == 10 && snapshot.refused.total == 3)
        #expect(snapshot.refused[.background] == 1 && snapshot.refused[.critical] == 1)
        for held in seven + nine + ten { held.finish(.neutral) }
        #expect(rejection(limit, .background) == nil)
    }

    @Test("a limit of one lets calls of any priority pass, one at a time")
    func one() {
        let limit = limit {
            $0.initialLimit = 1
            $0.minimumLimit = 1
        }
        for priority in CallPriority.allCases {
            guard let permit = permit(limit, priority) else { return #expect(Bool(false)) }
            #expect(rejection(limit, .critical) != nil)
            permit.finish(.success)
        }
    }

    @Test("a permit that is dropped ends its call as neutral, once")
    func dropped() {
        let limit = limit()
        for _ in 0..<100 {
            guard let permit = permit(limit) else { return #expect(Bool(false)) }
            time.advance(by: .milliseconds(50))
            _ = consume permit
        }
        #expect(limit.snapshot.inFlight == 0)
        #expect(limit.snapshot.latency == nil)
    }

    @Test("a call is classified: values are successes, timeouts are drops, other errors say nothing")
    func call() async {
        let limit = limit()
        let value = await limit.call { () async throws(Rejection) in 1 }
        guard case .success(1) = value else { return #expect(Bool(false)) }
        let late = await limit.call { () async throws(Rejection) -> Int in
            throw Rejection.timedOut(operation: "o", limit: .seconds(1))
        }
        guard case .failure = late else { return #expect(Bool(false)) }
        let failed = await limit.call { () async throws(ProviderDown) -> Int in throw ProviderDown() }
        guard case .failure = failed else { return #expect(Bool(false)) }
        #expect(limit.snapshot.inFlight == 0)
        #expect(limit.snapshot.dropped == 1)
        let held = fill(limit, 10)
        let refused = await limit.call(.normal) { () async throws(ProviderDown) in 1 }
        guard case .rejected(.limitReached) = refused else { return #expect(Bool(false)) }
        for one in held { one.finish(.neutral) }
    }

    @Test("the baseline is the latency of a window that was far from the limit")
    func baseline() {
        let limit = limit()
        call(limit, times: 200, lasting: .milliseconds(10), .success)
        #expect(limit.snapshot.baseline == .milliseconds(10))
        #expect(limit.snapshot.latency == .milliseconds(10))
        #expect(limit.snapshot.limit == 10)
        // Nobody needed the limit, so slower calls are slower, and not queueing.
        call(limit, times: 2000, lasting: .milliseconds(30), .success)
        #expect(limit.snapshot.limit == 10)
        let baseline = limit.snapshot.baseline ?? .zero
        #expect(baseline > .milliseconds(25) && baseline <= .milliseconds(30))
    }

    @Test("dropped calls shrink the limit down to its minimum, and each change that counts is told")
    func drops() {
        let limit = limit { $0.minimumLimit = 4 }
        call(limit, times: 400, lasting: .milliseconds(10), .dropped)
        #expect(limit.snapshot.limit == 4)
        #expect(limit.snapshot.dropped == 400)
        let changes = log.events.compactMap { event -> [Int]? in
            if case .concurrencyLimitChanged("orders", let from, let to) = event { [from, to] } else { nil }
        }
        #expect(changes.first?[0] == 10 && changes.last?[1] == 4)
        for (change, next) in zip(changes, changes.dropFirst()) { #expect(change[1] == next[0]) }
        #expect(changes.allSatisfy { $0[1] < $0[0] })
    }

    @Test("up to the tolerated rate, drops have other reasons")
    func toleratedDrops() {
        let limit = limit { $0.toleratedDropRate = 0.2 }
        for _ in 0..<100 {
            call(limit, times: 9, lasting: .milliseconds(10), .success)
            call(limit, times: 1, lasting: .milliseconds(10), .dropped)
        }
        #expect(limit.snapshot.limit == 10)
    }

    @Test("neutral calls say nothing, however slow")
    func neutral() {
        let limit = limit()
        call(limit, times: 50, lasting: .milliseconds(10), .success)
        call(limit, times: 1000, lasting: .seconds(1), .neutral)
        #expect(limit.snapshot.limit == 10)
        #expect(limit.snapshot.baseline == .milliseconds(10))
    }

    @Test("calls that hang during a probe do not hold the limit down for ever")
    func hungProbe() {
        let limit = limit()
        // Calls are refused all the time, so a probe is due after a second.
        var (held, before, rounds) = ([Held](), 0, 0)
        while !limit.snapshot.isProbing, rounds < 1000 {
            held = fill(limit, limit.snapshot.limit)
            #expect(rejection(limit, .critical) != nil)
            time.advance(by: .milliseconds(10))
            before = limit.snapshot.limit
            for one in held { one.finish(.success) }
            rounds += 1
        }
        #expect(limit.snapshot.isProbing)
        let probed = limit.snapshot.limit
        #expect(probed < before)
        held = fill(limit, probed)
        #expect(held.count == probed && rejection(limit, .critical) != nil)
        time.advance(by: .seconds(60))
        #expect(rejection(limit, .critical) == nil)
        #expect(!limit.snapshot.isProbing)
        #expect(limit.snapshot.limit >= before)
    }

    @Test("under many calls at once none is lost, and never more than the limit are under way")
    func stress() async {
        let limit = ConcurrencyLimit(name: "orders", time: SystemTime())
        let admitted = await withTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var admitted = 0
                    for round in 0..<3000 {
                        guard case .permitted(let permit) = limit.admit(CallPriority.allCases[round % 3]) else {
                            continue
                        }
                        admitted += 1
                        if round % 64 == 0 { await Task.yield() }
                        if round % 5 == 0 { continue }
                        permit.finish(LimitedCallOutcome.allCases[(round + number) % 3])
                    }
                    return admitted
                }
            }
            return await group.reduce(0, +)
        }
        #expect(limit.snapshot.inFlight == 0)
        #expect(limit.snapshot.admitted.total == UInt64(admitted))
        #expect(limit.snapshot.admitted.total + limit.snapshot.refused.total == 24_000)
    }

    @Test(
        "bad configurations are told all at once",
        arguments: [
            ({ @Sendable (c: inout ConcurrencyLimitConfiguration) in }, 0),
            ({ c in c.minimumLimit = 0 }, 1),
            ({ c in (c.initialLimit, c.maximumLimit) = (2000, 2_000_000) }, 1),
            ({ c in (c.normalShare, c.window) = (0.5, .zero) }, 2),
            ({ c in (c.minimumSamples, c.toleratedDropRate) = (0, 1) }, 2),
            ({ c in c.algorithm = .additiveIncrease(.init(latencyLimit: .zero)) }, 1),
            (
                { c in
                    var gradient = ConcurrencyLimitConfiguration.Gradient()
                    gradient.tolerance = 1
                    gradient.smoothing = .nan
                    gradient.minimumProbeInterval = .seconds(60)
                    c.algorithm = .gradient(gradient)
                }, 3
            ),
        ] as [(@Sendable (inout ConcurrencyLimitConfiguration) -> Void, Int)])
    func faults(change: @Sendable (inout ConcurrencyLimitConfiguration) -> Void, count: Int) {
        var configuration = ConcurrencyLimitConfiguration()
        change(&configuration)
        #expect(configuration.faults.count == count)
    }
}

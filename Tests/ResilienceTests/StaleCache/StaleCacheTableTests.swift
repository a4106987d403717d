import Clocks
import Testing

@testable import Resilience

/// Every state of a key meets every event: what a look-up finds afterwards.
///
/// Values are fresh for one second, served for five while they are fetched anew, and for sixty when they cannot be; a
/// fetch may take two seconds, and one that failed is followed by a pause of half a second.
struct StaleCacheTableTests {
    enum State: Hashable, CaseIterable {
        /// Nothing is known; or nothing but that a fetch is under way.
        case unknown, unknownFetching
        case fresh
        /// To be fetched anew; with a fetch under way; and after one that failed.
        case ageing, ageingFetching, ageingPaused
        /// Too old to be served unless it cannot be fetched.
        case stale, staleFetching, stalePaused
        /// Too old to be served at all.
        case outdated, outdatedFetching, outdatedPaused
    }

    enum Event: Hashable, CaseIterable {
        /// It is looked up, and nothing else happens.
        case find
        /// A fetch begins, beside the one that may be under way.
        case begin
        /// The fetch that is under way, or one that begins now, brings a value, nothing, or fails.
        case land, landNothing, fail
        /// A fetch that began before everything else brings a value, nothing, or fails.
        case olderLands, olderLandsNothing, olderFails
        /// The pause after a failure passes, or the time a fetch may take.
        case pausePasses, timeoutPasses
    }

    /// What a look-up finds.
    enum Seen: Hashable {
        case missing, fresh
        /// Served, and to be fetched anew.
        case ageing
        /// Served, and being fetched anew.
        case renewed
        /// Served, because it cannot be fetched.
        case failed
    }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: State
        let event: Event
        let seen: Seen

        var testDescription: String { "\(state), \(event)" }
    }

    /// One row for each state, with a column for each event in the order of their names above.
    private static let rows: [State: [Seen]] = [
        .unknown: [.missing, .missing, .fresh, .missing, .missing] + [.fresh, .missing, .missing] + [
            .missing, .missing,
        ],
        .unknownFetching: [.missing, .missing, .fresh, .missing, .missing] + [.fresh, .missing, .missing]
            + [.missing, .missing],

        .fresh: [.fresh, .fresh, .fresh, .missing, .fresh] + [.fresh, .fresh, .fresh] + [.ageing, .ageing],

        // What an older fetch brings changes nothing; but if it fails the source is left alone.
        .ageing: [.ageing, .renewed, .fresh, .missing, .failed] + [.ageing, .ageing, .failed] + [.ageing, .ageing],
        .ageingFetching: [.renewed, .renewed, .fresh, .missing, .failed] + [.renewed, .renewed, .failed]
            + [.renewed, .ageing],
        .ageingPaused: [.failed, .failed, .fresh, .missing, .failed] + [.failed, .failed, .failed]
            + [.ageing, .ageing],

        .stale: [.missing, .missing, .fresh, .missing, .failed] + [.missing, .missing, .failed] + [.missing, .missing],
        .staleFetching: [.missing, .missing, .fresh, .missing, .failed] + [.missing, .missing, .failed]
            + [.missing, .missing],
        .stalePaused: [.failed, .failed, .fresh, .missing, .failed] + [.failed, .failed, .failed]
            + [.missing, .missing],

        .outdated: [.missing, .missing, .fresh, .missing, .missing] + [.missing, .missing, .missing]
            + [.missing, .missing],
        .outdatedFetching: [.missing, .missing, .fresh, .missing, .missing] + [.missing, .missing, .missing]
            + [.missing, .missing],
        .outdatedPaused: [.missing, .missing, .fresh, .missing, .missing] + [.missing, .missing, .missing]
            + [.missing, .missing],
    ]

    static let table: [Line] = State.allCases.flatMap { state in
        zip(Event.allCases, rows[state] ?? []).map { Line(state: state, event: $0, seen: $1) }
    }

    @Test("the table tells of every state and every event")
    func complete() {
        for state in State.allCases { #expect(Self.rows[state]?.count == Event.allCases.count, "\(state)") }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) throws {
        var bench = try StaleCacheBench(in: line.state)
        bench.perform(line.event)
        // Looking changes nothing.
        let (seen, again) = (bench.look(), bench.look())
        #expect(seen == line.seen && again == line.seen)
        if line.seen != .missing {
            let isUnknown = [.unknown, .unknownFetching].contains(line.state)
            let value = bench.value
            #expect(value == (line.event == .land ? 2 : isUnknown ? 3 : 1))
        }
        // A fetch is waited for until it ends or takes too long; the end of another one changes nothing about that.
        let wasFetching = [.unknownFetching, .ageingFetching, .staleFetching, .outdatedFetching].contains(line.state)
        let isFetching =
            switch line.event {
            case .begin: true
            case .land, .landNothing, .fail, .timeoutPasses: false
            case .find, .olderLands, .olderLandsNothing, .olderFails, .pausePasses: wasFetching
            }
        #expect(bench.isFetching == isFetching)
    }

    @Test("what every state has to offer when a fetch has failed", arguments: State.allCases)
    func lastResort(state: State) throws {
        let offered: Freshness? =
            switch state {
            case .unknown, .unknownFetching, .outdated, .outdatedFetching, .outdatedPaused: nil
            case .fresh: .fresh
            case .ageing, .ageingFetching, .ageingPaused, .stale, .staleFetching, .stalePaused: .stale(.fetchFailed)
            }
        #expect(try StaleCacheBench(in: state).lastResort == offered)
    }
}

/// A key brought into a state; fetches bring 1 first, 2 later, and 3 when they began before all others.
private struct StaleCacheBench {
    private var machine: StaleCacheMachine<String, Int>
    private var now = MonotonicInstant(nanoseconds: 0)
    private let begin = MonotonicInstant(nanoseconds: 0)
    private let older: UInt64
    private var own: UInt64?

    private var olderStart: MonotonicInstant { begin.advanced(by: .milliseconds(-100)) }

    init(in state: StaleCacheTableTests.State) throws {
        var configuration = StaleCacheConfiguration()
        configuration.errorAge = .seconds(60)
        try #require(configuration.faults.isEmpty)
        machine = StaleCacheMachine(configuration)
        older = machine.begin(["A"], now: begin.advanced(by: .milliseconds(-100)))
        // So that nothing is under way but what the state says, another one takes the older one's place and ends.
        let first = machine.begin(["A"], now: begin)
        machine.land(first, ["A"], isKnown(state) ? ["A": 1] : [:], startedAt: begin)
        now = begin.advanced(by: age(state))
        switch state {
        case .unknownFetching, .ageingFetching, .staleFetching, .outdatedFetching: own = machine.begin(["A"], now: now)
        case .ageingPaused, .stalePaused, .outdatedPaused:
            machine.fail(machine.begin(["A"], now: now), ["A"], now: now)
        case .unknown, .fresh, .ageing, .stale, .outdated: break
        }
    }

    private func isKnown(_ state: StaleCacheTableTests.State) -> Bool {
        ![.unknown, .unknownFetching].contains(state)
    }

    private func age(_ state: StaleCacheTableTests.State) -> Duration {
        switch state {
        case .unknown, .unknownFetching: .zero
        case .fresh: .milliseconds(500)
        case .ageing, .ageingFetching, .ageingPaused: .seconds(3)
        case .stale, .staleFetching, .stalePaused: .seconds(10)
        case .outdated, .outdatedFetching, .outdatedPaused: .seconds(100)
        }
    }

    mutating func perform(_ event: StaleCacheTableTests.Event) {
        switch event {
        case .find: _ = look()
        case .begin: _ = machine.begin(["A"], now: now)
        case .land: machine.land(fetch(), ["A"], ["A": 2], startedAt: now)
        case .landNothing: machine.land(fetch(), ["A"], [:], startedAt: now)
        case .fail: machine.fail(fetch(), ["A"], now: now)
        case .olderLands: machine.land(older, ["A"], ["A": 3], startedAt: olderStart)
        case .olderLandsNothing: machine.land(older, ["A"], [:], startedAt: olderStart)
        case .olderFails: machine.fail(older, ["A"], now: now)
        case .pausePasses: now = now.advanced(by: .milliseconds(500))
        case .timeoutPasses: now = now.advanced(by: .seconds(2))
        }
    }

    private mutating func fetch() -> UInt64 { own ?? machine.begin(["A"], now: now) }

    mutating func look() -> StaleCacheTableTests.Seen {
        let found = machine.find(["A"], now: now)
        guard let cached = found.served["A"] else { return .missing }
        switch cached.freshness {
        case .fresh: return .fresh
        case .stale(.fetchFailed): return .failed
        case .stale(.ageing): return found.ageing == ["A"] ? .ageing : .renewed
        }
    }

    var value: Int? {
        mutating get { machine.find(["A"], now: now).served["A"]?.value }
    }

    var isFetching: Bool { machine.number(of: "A", now: now) != nil }

    var lastResort: Freshness? { machine.lastResort("A", now: now)?.freshness }
}

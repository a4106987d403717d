import Clocks
import Testing

@testable import Resilience

struct StaleCacheMachineTests {
    typealias Machine = StaleCacheMachine<String, Int>

    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private func machine(_ change: (inout StaleCacheConfiguration) -> Void = { _ in }) -> Machine {
        var configuration = StaleCacheConfiguration()
        configuration.errorAge = .seconds(60)
        change(&configuration)
        return Machine(configuration)
    }

    private func fetch(
        _ machine: inout Machine, _ values: [String: Int], asked: [String], from: Int64, to: Int64? = nil
    ) {
        let number = machine.begin(asked, now: at(from))
        machine.land(number, asked, values, startedAt: at(from))
    }

    @Test("a value is fresh, then ageing, then to be fetched first; ages count from the start of the fetch")
    func ages() {
        var machine = machine()
        fetch(&machine, ["A": 1], asked: ["A"], from: 0)
        #expect(machine.find(["A"], now: at(999)).served["A"]?.freshness == .fresh)
        #expect(machine.find(["A"], now: at(1000)).served["A"]?.freshness == .stale(.ageing))
        #expect(machine.find(["A"], now: at(5000)).served["A"] == Cached(1, .seconds(5), .stale(.ageing)))
        #expect(machine.find(["A"], now: at(5001)).missing == ["A"])
    }

    @Test("an ageing value is to be fetched anew by one caller, and by another only when that has ended")
    func refresh() {
        var machine = machine { $0.pauseAfterFailure = .zero }
        fetch(&machine, ["A": 1], asked: ["A"], from: 0)
        #expect(machine.find(["A"], now: at(999)).ageing.isEmpty)
        #expect(machine.find(["A"], now: at(1000)).ageing == ["A"])
        let number = machine.begin(["A"], now: at(1000))
        #expect(machine.find(["A"], now: at(1001)).ageing.isEmpty)
        machine.fail(number, ["A"], now: at(1002))
        #expect(machine.find(["A"], now: at(1003)).ageing == ["A"])
    }

    @Test("a fetch behind the scenes brings others along that age and were used, oldest first, up to its batch")
    func company() {
        var machine = machine { $0.refreshBatch = 3 }
        let keys = ["A", "B", "C", "D", "E", "F"]
        for (place, key) in keys.enumerated() { fetch(&machine, [key: 1], asked: [key], from: Int64(place)) }
        _ = machine.find(["A", "C", "D", "E", "F"], now: at(500))
        let pending = machine.begin(["C"], now: at(600))
        #expect(machine.find(["F"], now: at(1005)).ageing == ["F", "A", "D"], "B was not used, C is under way")
        machine.land(pending, ["C"], ["C": 2], startedAt: at(600))
        fetch(&machine, ["F": 2, "A": 2, "D": 2], asked: ["F", "A", "D"], from: 1005)
        #expect(machine.find(["E"], now: at(1100)).ageing == ["E"], "the others are fresh")
    }

    @Test("what was fetched once and never asked for again is not remembered for company without end")
    func boundedCompany() {
        var machine = machine {
            $0.refreshBatch = 1000
            $0.capacity = 10
        }
        for number in 0..<1000 { fetch(&machine, ["\(number)": 1], asked: ["\(number)"], from: 0) }
        _ = machine.find((0..<1000).map(String.init), now: at(1))
        #expect(machine.find(["999"], now: at(1000)).ageing.count == 10)
    }

    @Test("a fetch that takes too long is no longer waited for, and another one may begin")
    func overdue() {
        var machine = machine()
        let number = machine.begin(["A"], now: at(0))
        #expect(machine.number(of: "A", now: at(1999)) == number)
        #expect(machine.number(of: "A", now: at(2000)) == nil)
        let next = machine.begin(["A"], now: at(2000))
        // The end of the first is not that of the second.
        machine.land(number, ["A"], ["A": 1], startedAt: at(0))
        #expect(machine.number(of: "A", now: at(2001)) == next)
        machine.fail(next, ["A"], now: at(2001))
        #expect(machine.fetching == 0)
    }

    @Test("after a failure what may be served is, marked, and not fetched anew for a while")
    func pause() {
        var machine = machine()
        fetch(&machine, ["A": 1], asked: ["A"], from: 0)
        let number = machine.begin(["A", "B"], now: at(5500))
        machine.fail(number, ["A", "B"], now: at(6000))
        #expect(machine.find(["A", "B"], now: at(6000)).missing == ["B"])
        let paused = machine.find(["A"], now: at(6499))
        #expect(paused.served["A"]?.freshness == .stale(.fetchFailed) && paused.ageing.isEmpty)
        #expect(machine.find(["A"], now: at(6500)).missing == ["A"])
        #expect(machine.lastResort("A", now: at(60_000))?.value == 1)
        #expect(machine.lastResort("A", now: at(60_001)) == nil)
        #expect(machine.lastResort("B", now: at(6000)) == nil)
        fetch(&machine, ["A": 2], asked: ["A"], from: 7000)
        #expect(machine.lastResort("A", now: at(7001))?.freshness == .fresh)
    }

    @Test("what is unknown is never remembered, and what has become unknown is forgotten")
    func unknown() {
        var machine = machine()
        fetch(&machine, [:], asked: ["A"], from: 0)
        #expect(machine.find(["A"], now: at(1)).missing == ["A"])
        fetch(&machine, ["A": 1], asked: ["A"], from: 2)
        fetch(&machine, [:], asked: ["A"], from: 3)
        #expect(machine.find(["A"], now: at(4)).missing == ["A"] && machine.count == 0)
    }

    @Test("an older answer that comes late changes nothing, whether it knows the value or not")
    func late() {
        var machine = machine()
        let old = machine.begin(["A", "B"], now: at(5))
        fetch(&machine, ["A": 2, "B": 2], asked: ["A", "B"], from: 10)
        machine.land(old, ["A", "B"], ["A": 1], startedAt: at(5))
        #expect(machine.find(["A", "B"], now: at(11)).served.mapValues(\.value) == ["A": 2, "B": 2])
    }

    @Test("what was not asked for is not taken in")
    func unasked() {
        var machine = machine()
        fetch(&machine, ["A": 1, "B": 2], asked: ["A"], from: 0)
        #expect(machine.count == 1)
    }

    @Test("what was used last is kept when there is no more room")
    func bounded() {
        var machine = machine { $0.capacity = 10 }
        for index in 0..<10 { fetch(&machine, ["\(index)": index], asked: ["\(index)"], from: 0) }
        _ = machine.find(["0"], now: at(1))
        fetch(&machine, ["new": 10], asked: ["new"], from: 2)
        #expect(machine.count == 10 && machine.evicted == 1)
        #expect(machine.find(["0", "new", "1"], now: at(3)).missing == ["1"])
    }

    @Test("a key that is asked for twice is looked for once")
    func twice() {
        var machine = machine()
        #expect(machine.find(["A", "A", "B"], now: at(0)).missing == ["A", "B"])
    }
}

extension Cached {
    fileprivate init(_ value: Value, _ age: Duration, _ freshness: Freshness) {
        self.init(value: value, age: age, freshness: freshness)
    }
}

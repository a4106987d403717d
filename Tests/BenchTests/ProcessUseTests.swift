import Testing

@testable import Bench

@Suite("What processes have used")
struct ProcessUseTests {
    private func stat(_ name: String, parent: Int32, own: (Int, Int), reaped: (Int, Int), start: Int = 77) -> String {
        "41 (\(name)) S \(parent) 41 41 0 -1 4194560 1 2 3 4 \(own.0) \(own.1) \(reaped.0) \(reaped.1) 20 0 1 0 \(start) 9 9"
    }

    @Test("a line of /proc is read, whatever the name is made of")
    func parsing() throws {
        let use = try #require(ProcessUse.parse(stat("post (x) gres", parent: 7, own: (12, 30), reaped: (5, 6))))
        #expect(use == ProcessUse(name: "post (x) gres", parent: 7, start: 77, own: 42, reaped: 11))
        #expect(
            ProcessUse.parse("41 (cut) S 7 41") == nil && ProcessUse.parse("") == nil && ProcessUse.parse(")(") == nil)
    }

    @Test("this very process has used something, and has memory")
    func ourselves() throws {
        let table = ProcessUse.all()
        #expect(table.values.contains { $0.name == "init" || $0.own > 0 })
        #expect(ProcessUse.residentBytes(inStatus: "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3") == 2_097_152)
        #expect(ProcessUse.residentBytes(inStatus: "Name:\tx") == nil)
    }

    @Test("time is added up by who used it, and sessions of Postgres that have ended stay counted")
    func split() {
        func use(_ parent: Int32, _ own: Int64, reaped: Int64 = 0) -> ProcessUse {
            ProcessUse(name: "", parent: parent, start: 1, own: own, reaped: reaped)
        }
        let processes = StackProcesses(
            services: ["order-service": 1, "order-service-2": 2, "payment-service": 3], broker: 4, postgres: 5, load: 6)
        var table: [Int32: ProcessUse] = [
            1: use(0, 10), 2: use(0, 20), 3: use(0, 5), 4: use(0, 7), 5: use(0, 1, reaped: 100),
            6: use(9, 50, reaped: 80),
            7: use(5, 30), 8: use(5, 40), 9: use(0, 1000),
        ]
        let tick = ProcessUse.millisecondsPerTick
        let before = processes.time(in: table)
        #expect(
            before
                == ProcessorTime(
                    orderService: 30 * tick, otherServices: 5 * tick, broker: 7 * tick, postgres: 171 * tick,
                    load: 50 * tick))
        #expect(before.services == 35 * tick && before.suite == 213 * tick)
        // A session ends: what it used is the server's now.
        table[8] = nil
        table[5] = use(0, 3, reaped: 145)
        #expect((processes.time(in: table) - before).postgres == 7 * tick)
        #expect((before / 10).broker == 0.7 * tick)
    }

    @Test("a process that was started again is noticed")
    func restarts() {
        let processes = StackProcesses(services: ["order-service": 1], broker: 2, postgres: nil, load: 3)
        func table(_ start: UInt64) -> [Int32: ProcessUse] {
            [1: ProcessUse(name: "", parent: 0, start: start, own: 0, reaped: 0)]
        }
        #expect(processes.identities(in: table(1)) != processes.identities(in: table(2)))
        #expect(processes.identities(in: table(1)) == processes.identities(in: table(1)))
    }
}

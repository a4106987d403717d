import Testing

@testable import Drill

@Suite("Faults as an experiment writes them")
struct FaultReadingTests {
    private func mistakes(_ text: String) throws -> [String] {
        let mistakes = Mistakes()
        let fault = FaultRegistry.read(
            FieldReader(try YAMLParser.parse(Array(text.utf8)), path: "", mistakes: mistakes))
        #expect((fault == nil) == !mistakes.all.isEmpty)
        return mistakes.sorted.map(\.message)
    }

    @Test("the registry is in order and each kind says what it does")
    func registry() {
        let kinds = FaultRegistry.all.map { $0.kind }
        #expect(kinds == kinds.sorted())
        #expect(Set(kinds).count == kinds.count)
        #expect(FaultRegistry.all.allSatisfy { !$0.summary.isEmpty })
    }

    @Test(
        "what is needed is enough",
        arguments: [
            "{fault: kill, target: order-service/1}", "{fault: pause, target: any-service}",
            "{fault: terminate, target: payment-service/*}", "{fault: down, target: dev-broker}",
            "{fault: empty-broker}",
            "{fault: crash-postgres, how: immediate}", "{fault: hang-postgres}",
            "{fault: end-sessions, database: orders, times: 3, every: 1s}",
            "{fault: lock-table, database: orders, tables: [orders]}",
            "{fault: partition, link: '*.broker', side: answers}",
            "{fault: latency, link: a.b, delay: 100ms, jitter: 1s}",
            "{fault: bandwidth, link: a.b, bytesPerSecond: 10}",
            "{fault: reset-connections, link: a.b, share: 0.5}", "{fault: refuse-connections, link: a.b}",
            "{fault: lose-answers, link: a.b, reset: true}", "{fault: provider, faults: '{\"charges\":{}}'}",
            "{fault: replay-messages, topics: [a], shuffled: true}",
            "{fault: replay-messages, topics: [a], renamed: true}",
            "{fault: poison-messages, topics: [a], form: wrong}",
            "{fault: poison-messages, topics: [a], form: followed, times: 3, every: 1s}",
            "{fault: step-clock, target: order-service/1, seconds: -5}", "{fault: fill-disk, leaveKilobytes: 10}",
            "{fault: exhaust-descriptors, target: order-service/1, limit: 20}",
            "{fault: starve, target: order-service/1, share: 0.1}",
            "{fault: crash-at, target: order-service/1, point: after-commit, passage: 3}",
        ])
    func reads(text: String) throws {
        #expect(try mistakes(text) == [])
    }

    @Test(
        "what is missing, unknown or out of range is said",
        arguments: [
            ("{fault: melt}", "there is no fault \"melt\""), ("{fault: partition}", "is missing"),
            ("{fault: partition, link: a, side: left}", "must be one of requests, answers, both"),
            ("{fault: latency, link: a, delay: 11m}", "must be at most 10m"),
            ("{fault: lock-table, database: orders, tables: ['a; drop']}", "is no table's name"),
            ("{fault: lock-table, database: orders, tables: []}", "must name at least one table"),
            ("{fault: step-clock, target: order-service/1, seconds: 0}", "must not be 0"),
            ("{fault: provider, faults: no}", "must be the JSON object"),
            ("{fault: replay-messages, topics: []}", "must name at least one topic"),
            ("{fault: crash-at, target: order-service/1, point: lunch}", "must be one of before-commit"),
            ("{fault: starve, target: order-service/1, share: 1}", "must be a number"),
            ("{fault: hang-postgres, hard: true}", "is unknown"),
        ])
    func refuses(text: String, message: String) throws {
        let found = try mistakes(text)
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test(
        "a link's pattern has stars for any characters",
        arguments: [
            ("a.b", "a.b", true), ("a.b", "a.c", false), ("*", "a.b", true),
            ("*.broker", "order-service-2.broker", true),
            ("*.broker", "order-service.postgres", false), ("order-service*.broker", "order-service.broker", true),
            ("order-service*.broker", "order-service-2.broker", true), ("a*b*c", "axxbyyc", true),
            ("a*b*c", "ac", false), ("order-service.*-service*", "order-service.payment-service-2", true),
            ("aba*aba", "aba", false),
        ])
    func patterns(pattern: String, name: String, matches: Bool) {
        #expect(LinkPattern(text: pattern).matches(name) == matches)
    }
}

import Clocks
import Invariants
import JSON
import LocalStack
import TestSupport
import Testing

/// Many orders at once, several fighting over the same stock, and what dies in the middle.
@Suite("Many orders at once", .serialized)
struct StormTests {
    private func withStack(
        _ options: StackOptions = StackOptions(), _ body: (StackClient) async throws -> Void
    ) async throws {
        let stack = try await TestStack.start(options)
        let client = StackClient(stack)
        do {
            try await stack.waitUntilReady()
            try await body(client)
        } catch {
            await client.close()
            await stack.stop()
            throw error
        }
        await client.close()
        let ending = await stack.stop()
        #expect(ending == .code(0), "\(stack.output.suffix(30).joined(separator: "\n"))")
    }

    /// Places the orders, every seventh twice at the same time, runs `meanwhile` in the middle, waits for rest, checks.
    private func storm(
        _ count: Int, named name: String, seed: UInt64, on client: StackClient, replicas: Int = 1,
        meanwhile: @escaping @Sendable () async throws -> Void = {}
    ) async throws {
        let random = SeededRandom(seed: seed)
        let skus = (0..<5).map { "\(name)-\($0)" }
        for (index, sku) in skus.enumerated() {
            try await client.stock(sku, price: Int64(100 + index), quantity: Int64(count / 3))
        }
        let orders = (0..<count).map { StormOrder($0, of: name, skus: skus, random: random) }
        let answers = try await withThrowingTaskGroup(of: (Int, [UInt8])?.self) { group in
            for (index, order) in orders.enumerated() {
                for copy in 0..<(index % 7 == 0 ? 2 : 1) {
                    group.addTask {
                        let response = try await client.place(order, replica: (index + copy) % replicas + 1)
                        #expect(response.status == .accepted, "\(order.key): \(response.status)")
                        return (index, response.body)
                    }
                }
            }
            group.addTask {
                try await meanwhile()
                return nil
            }
            var answers: [Int: Set<[UInt8]>] = [:]
            for try await answer in group {
                if let (index, body) = answer { answers[index, default: []].insert(body) }
            }
            return answers
        }
        let audits = try await client.auditsAtRest()
        #expect(audits.violationsAtRest().isEmpty, "seed \(seed): \(audits.violationsAtRest())")
        try await check(orders, answers, on: client, seed: seed)
    }

    private func check(
        _ orders: [StormOrder], _ answers: [Int: Set<[UInt8]>], on client: StackClient, seed: UInt64
    ) async throws {
        var outcomes: [String: Int] = [:]
        var ids: Set<String> = []
        for (index, order) in orders.enumerated() {
            let bodies = answers[index] ?? []
            #expect(bodies.count == 1, "one key, one answer: \(order.key) has \(bodies.count)")
            guard let body = bodies.first, let id = try JSONDocument(parsing: body).root["id"]?.string else {
                Issue.record("\(order.key) has no order")
                continue
            }
            #expect(ids.insert(id).inserted, "two keys share the order \(id)")
            let observed = try await client.order(id)
            #expect(observed.id == id, "an acknowledged order is found again")
            #expect(observed.degraded.isEmpty)
            #expect(observed.violations().isEmpty, "seed \(seed), \(order.key): \(observed.violations())")
            #expect(
                order.mayEnd(observed.status, observed.reason),
                "seed \(seed), \(order.key) with \(order.token) to \(order.country) is \(observed.status), \(observed.reason ?? "-")"
            )
            outcomes[observed.reason ?? "confirmed", default: 0] += 1
        }
        // A storm in which one kind of end never happened would prove little.
        for outcome in ["confirmed", "out-of-stock", "payment-declined"] {
            #expect((outcomes[outcome] ?? 0) > 0, "\(outcomes)")
        }
    }

    @Test("all reach their right end, every key has one answer, and the books agree")
    func storm() async throws {
        try await withStack { client in
            try await storm(600, named: "storm", seed: 1, on: client)
        }
    }

    @Test("whichever service is killed in the middle, the end is the same")
    func killed() async throws {
        try await withStack { client in
            for (index, service) in ServiceName.allCases.enumerated() {
                try await storm(200, named: "kill-\(service.rawValue)", seed: UInt64(10 + index), on: client) {
                    try await SystemTime().sleep(for: .milliseconds(300))
                    try await client.stack.killAndAwaitRestart(service)
                }
            }
        }
    }

    /// Everything that a network and a provider can do to a call, and reads that lag behind the truth.
    private static let faults = """
        {"seed":7,
         "charges":{"errorRate":0.05,"errorAfterRate":0.1,"throttleRate":0.05,"retryAfterForm":"date","resetRate":0.05,
                    "loseAnswerRate":0.1,"truncateRate":0.05,"hangRate":0.01,"hangSeconds":10},
         "refunds":{"errorRate":0.05,"errorAfterRate":0.1,"resetRate":0.05,"loseAnswerRate":0.1,"truncateRate":0.05},
         "bookings":{"errorRate":0.05,"errorAfterRate":0.1,"throttleRate":0.05,"resetRate":0.05,"loseAnswerRate":0.1},
         "queries":{"lyingStatusRate":0.3,"lyingSeconds":2,"errorRate":0.1},
         "webhooks":{"duplicateWebhookRate":0.3,"loseWebhookRate":0.1}}
        """

    @Test(
        "a provider and a carrier that fail, lose answers and lie, while the services that ask them die: the same end")
    func providers() async throws {
        var options = StackOptions()
        options.providers = .http
        options.replicas[.payment] = 2
        try await withStack(options) { client in
            let control = "http://127.0.0.1:\(client.stack.options.port(.simulator))/control"
            let put = try await client.send(.put, control + "/faults", body: Self.faults)
            #expect(put.status == .ok)
            try await storm(200, named: "providers", seed: 30, on: client) {
                let time = SystemTime()
                try await time.sleep(for: .seconds(2))
                for (service, replica) in [(ServiceName.payment, 1), (.shipping, 1), (.payment, 2)] {
                    try await time.sleep(for: .milliseconds(700))
                    try await client.stack.killAndAwaitRestart(service, replica: replica)
                }
                try await time.sleep(for: .seconds(5))
                _ = try await client.send(.delete, control + "/faults")
            }
            let ledger = try JSONDocument(parsing: try await client.send(.get, control + "/ledger").body).root
            let audit = try JSONDocument(
                parsing: try await client.send(.get, client.stack.api(.payment) + "/v1/audit").body
            ).root
            for total in ["captured", "refunded"] {
                let ours = audit["totals"]?["EUR"]?.member(named: total)?.int64
                #expect(ours != nil && ours == ledger["totals"]?["EUR"]?.member(named: total)?.int64, "\(total)")
            }
            let asked = ledger["calls"]?.member(named: "GET /v1/charges/{key}")?.int64 ?? 0
            #expect(asked > 0, "nobody had to ask: the storm proved little")
        }
    }

    @Test("two replicas of every service share the work, and a key repeated at the other has the same answer")
    func replicas() async throws {
        var options = StackOptions()
        for service in ServiceName.allCases { options.replicas[service] = 2 }
        try await withStack(options) { client in
            try await storm(200, named: "replicas", seed: 20, on: client, replicas: 2)
        }
    }
}

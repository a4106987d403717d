import Clocks
import Invariants
import JSON
import LocalStack
import TestSupport
import Testing

/// The broker stops and nobody starts it again: commands go over HTTP. When it is back it has forgotten everything.
@Suite("Without the broker", .serialized)
struct BrokerAwayTests {
    private let time = SystemTime()

    private func withStack(
        _ options: StackOptions, _ environment: [String: String] = [:],
        _ body: (StackClient, BrokerOutage) async throws -> Void
    ) async throws {
        let stack = try await TestStack.start(options, environment: environment)
        let client = StackClient(stack)
        let outage = BrokerOutage(stack)
        do {
            try await stack.waitUntilReady()
            try await body(client, outage)
        } catch {
            await client.close()
            outage.end()
            await stack.stop()
            throw error
        }
        await client.close()
        let ending = await stack.stop()
        #expect(ending == .code(0), "\(stack.output.suffix(30).joined(separator: "\n"))")
    }

    @Test("orders of every outcome reach their end over HTTP, and the broker's return changes nothing")
    func forGood() async throws {
        var options = StackOptions()
        options.replicas[.order] = 2
        try await withStack(options) { client, outage in
            let skus = ["away-0", "away-1", "away-2"]
            for sku in skus { try await client.stock(sku, price: 250, quantity: 990) }
            let random = SeededRandom(seed: 40)
            let before = try await place(
                (0..<40).map { StormOrder($0, of: "before", skus: skus, random: random) }, client)
            try await outage.begin()
            let orders = (0..<300).map { StormOrder($0, of: "away", skus: skus, random: random) }
            let began = time.now
            let ids = try await place(orders, client)
            try await waitUntilDecided(client, within: .seconds(60))
            let took = began.duration(to: time.now)
            #expect(took < .seconds(60), "300 orders took \(took)")
            try await check(orders, ids, client, channel: "http")
            // Now that the circuit is open, commands go over HTTP from the first.
            let more = (0..<300).map { StormOrder($0, of: "more", skus: skus, random: random) }
            let beganMore = time.now
            let moreIDs = try await place(more, client)
            try await waitUntilDecided(client, within: .seconds(60))
            let tookMore = beganMore.duration(to: time.now)
            #expect(tookMore < .seconds(45), "300 orders took \(tookMore)")
            for id in moreIDs { #expect(try await client.order(id).violations().isEmpty) }

            outage.end()
            let audits = try await client.auditsAtRest(within: .seconds(40))
            #expect(audits.violationsAtRest().isEmpty, "\(audits.violationsAtRest())")
            try await check(orders, ids, client, channel: "http")
            for id in before { #expect(try await client.order(id).violations().isEmpty) }
        }
    }

    @Test("with the participant away too its steps are parked, and nothing is spent or undone for that")
    func parked() async throws {
        try await withStack(StackOptions()) { client, outage in
            try await client.stock("parked", price: 100, quantity: 900)
            let random = SeededRandom(seed: 42)
            let orders = (0..<40).map { StormOrder($0, of: "parked", skus: ["parked"], random: random) }
            try await outage.begin()
            try await outage.kill(try client.stack.pid(.payment))
            let ids = try await place(orders, client)
            let deadline = time.now.advanced(by: .seconds(30))
            while try await sagas(client)["parked"] ?? 0 == 0, time.now < deadline {
                try await time.sleep(for: .milliseconds(50))
            }
            let timelines = try await withThrowingTaskGroup(of: [String].self) { group in
                for id in ids { group.addTask { try await timeline(client, id) } }
                return try await group.reduce(into: [[String]]()) { $0.append($1) }
            }
            #expect(timelines.contains { $0.contains("charge-payment parked 1 http") }, "\(timelines)")
            #expect(!timelines.joined().contains { $0.contains("release-stock") && !$0.contains("out-of-stock") })
            outage.end()
            try await waitUntilDecided(client, within: .seconds(60))
            let audits = try await client.auditsAtRest(within: .seconds(40))
            #expect(audits.violationsAtRest().isEmpty, "\(audits.violationsAtRest())")
            for (order, id) in zip(orders, ids) {
                let observed = try await client.order(id)
                #expect(observed.violations().isEmpty && order.mayEnd(observed.status, observed.reason))
            }
        }
    }

    @Test("a broker that loses its log in the middle leaves no order waiting")
    func emptyAgain() async throws {
        var options = StackOptions()
        options.replicas[.payment] = 2
        try await withStack(options) { client, outage in
            let skus = ["lost-0", "lost-1"]
            for sku in skus { try await client.stock(sku, price: 400, quantity: 990) }
            let random = SeededRandom(seed: 41)
            let orders = (0..<300).map { StormOrder($0, of: "lost", skus: skus, random: random) }
            async let placed = place(orders, client)
            try await time.sleep(for: .milliseconds(300))
            // It is killed with commands and replies in it, and started again empty, at once.
            try await outage.forget()
            let back = time.now
            let ids = try await placed
            try await waitUntilDecided(client, within: .seconds(60))
            let took = back.duration(to: time.now)
            #expect(took < .seconds(30), "all were final only after \(took)")
            let audits = try await client.auditsAtRest(within: .seconds(40))
            #expect(audits.violationsAtRest().isEmpty, "\(audits.violationsAtRest())")
            try await check(orders, ids, client, channel: nil)
        }
    }

    @Test("goods whose leave to go, or whose news, the broker forgot arrive all the same, and the order says so")
    func goodsForgotten() async throws {
        let haste = ["FOLLOW_UP_SECONDS": "3", "BUILTIN_DISPATCH_SECONDS": "1", "BUILTIN_DELIVER_SECONDS": "2"]
        try await withStack(StackOptions(), haste) { client, outage in
            try await client.stock("goods", price: 400, quantity: 900)
            let random = SeededRandom(seed: 43)
            let orders = (0..<60).map { StormOrder($0, of: "goods", skus: ["goods"], random: random) }
            let ids = try await place(orders, client)
            try await waitUntilDecided(client, within: .seconds(60))
            // Nobody hears the news of the goods before the broker has forgotten it.
            let listener = try client.stack.pid(.order)
            try await outage.send("STOP", to: listener)
            try await waitUntilDelivered(client, .shipping, "shipments", ["booked", "dispatched"])
            try await outage.forget()
            try await outage.send("CONT", to: listener)
            // This time nobody hears that orders are confirmed.
            let more = (0..<60).map { StormOrder($0, of: "leave", skus: ["goods"], random: random) }
            async let placed = place(more, client)
            try await time.sleep(for: .milliseconds(400))
            try await outage.forget()
            let moreIDs = try await placed
            try await waitUntilDecided(client, within: .seconds(60))
            try await waitUntilDelivered(client, .order, "orders", ["confirmed", "shipped"])
            try await check(orders, ids, client, channel: nil)
            try await check(more, moreIDs, client, channel: nil)
        }
    }

    /// Waits until the service's audit counts nothing in these statuses.
    private func waitUntilDelivered(
        _ client: StackClient, _ service: ServiceName, _ member: String, _ open: [String]
    ) async throws {
        let deadline = time.now.advanced(by: .seconds(60))
        var left: Int64 = -1
        while time.now < deadline {
            if let answer = try? await client.send(.get, client.stack.api(service) + "/v1/audit"),
                let document = try? JSONDocument(parsing: answer.body),
                let counts = document.root.member(named: member)
            {
                left = open.reduce(0) { $0 + (counts.member(named: $1)?.int64 ?? 0) }
                if left == 0 { return }
            }
            try await time.sleep(for: .milliseconds(100))
        }
        Issue.record("\(left) of \(member) are \(open) still")
    }

    // MARK: Placing and checking

    /// The ids of the orders, in their order.
    private func place(_ orders: [StormOrder], _ client: StackClient) async throws -> [String] {
        let replicas = client.stack.options.replicaCount(.order)
        return try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for (index, order) in orders.enumerated() {
                group.addTask {
                    let response = try await client.place(order, replica: index % replicas + 1)
                    #expect(response.status == .accepted, "\(order.key): \(response.status)")
                    return (index, try JSONDocument(parsing: response.body).root["id"]?.string ?? "")
                }
            }
            return try await group.reduce(into: [(Int, String)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func sagas(_ client: StackClient) async throws -> [String: Int64] {
        let audit = try JSONDocument(
            parsing: try await client.send(.get, client.stack.api(.order) + "/v1/audit").body
        ).root
        var sagas: [String: Int64] = [:]
        if let counts = audit["sagas"] { for count in counts.members { sagas[count.name] = count.value.int64 } }
        return sagas
    }

    /// The timeline in one line an entry: `charge-payment parked 1 http`.
    private func timeline(_ client: StackClient, _ id: String) async throws -> [String] {
        let answer = try await client.send(.get, client.stack.api(.order) + "/v1/orders/\(id)")
        let entries = try JSONDocument(parsing: answer.body).root["timeline"].map { Array($0.elements) } ?? []
        return entries.map { entry in
            let words = ["step", "status"].map { entry.member(named: $0)?.string ?? "" }
            return "\(words[0]) \(words[1]) \(entry["attempts"]?.int64 ?? 0) \(entry["channel"]?.string ?? "")"
        }
    }

    /// Waits until no saga is under way; messages may wait in outboxes still.
    private func waitUntilDecided(_ client: StackClient, within patience: Duration) async throws {
        let deadline = time.now.advanced(by: patience)
        while time.now < deadline {
            let sagas = try? await sagas(client)
            if ["running", "compensating", "parked"].allSatisfy({ sagas?[$0] == 0 }) { return }
            try await time.sleep(for: .milliseconds(50))
        }
        Issue.record("sagas are under way still")
    }

    private func check(
        _ orders: [StormOrder], _ ids: [String], _ client: StackClient, channel: String?
    ) async throws {
        var outcomes: [String: Int] = [:]
        for (order, id) in zip(orders, ids) {
            let observed = try await client.order(id)
            #expect(observed.violations().isEmpty, "\(order.key): \(observed.violations())")
            #expect(
                order.mayEnd(observed.status, observed.reason),
                "\(order.key) with \(order.token) to \(order.country) is \(observed.status), \(observed.reason ?? "-")")
            outcomes[observed.reason ?? "confirmed", default: 0] += 1
            guard let channel else { continue }
            // The first moments still trust the broker; what was written then is sent again over HTTP.
            let timeline = try await timeline(client, id)
            #expect(
                timeline.allSatisfy { $0.hasSuffix(" \(channel)") || $0.hasSuffix(" local") },
                "\(order.key): \(timeline)")
        }
        for outcome in ["confirmed", "out-of-stock", "payment-declined", "shipping-unavailable"] {
            #expect((outcomes[outcome] ?? 0) > 0, "\(outcomes)")
        }
    }
}

import Clocks
import Contracts
import HTTPCodec
import Messaging
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@testable import OrderService

/// The view that lists are served from and the feed that event streams follow, on a real database.
@Suite("What follows orders")
struct OrderViewTests {
    /// A replica's projector and feed.
    private struct Replica: Sendable {
        let bench: ServiceBench
        let projector: OrderProjector
        let feed: OrderFeed

        init(_ bench: ServiceBench, batch: Int = 500) {
            self.bench = bench
            let feed = OrderFeed(
                postgres: bench.client, time: bench.time, log: .silent, capacity: 8, pollInterval: .milliseconds(10))
            self.feed = feed
            var configuration = OrderProjector.Configuration()
            configuration.batch = batch
            configuration.idleInterval = .milliseconds(10)
            projector = OrderProjector(
                postgres: bench.client, configuration: configuration, time: bench.time, log: .silent
            ) { feed.notify() }
        }

        /// Writes an order as placing it does, with its fact.
        @discardableResult
        func place(_ customer: String = "c") async throws -> UUID {
            let now = bench.messages.wallNow
            let order = Order(
                id: bench.newOrder(), customerID: customer, status: .pending, reason: nil, currency: "EUR", total: 100,
                lines: [.init(sku: "A", name: "a", quantity: 1, unitPrice: 100, total: 100)],
                shipTo: Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: "DE"),
                createdAt: now, updatedAt: now)
            _ = try await bench.client.batch([
                OrderStatements.insert([(order, "tok_ok")]),
                OrderViewStatements.record([StatusChange(orderID: order.id, status: .pending, reason: nil, at: now)]),
            ])
            return order.id
        }

        func decide(_ order: UUID, _ status: Order.Status, _ reason: Reason? = nil) async throws {
            let now = bench.messages.wallNow
            _ = try await bench.client.batch([
                OrderStatements.advance([(order, status)], now: now),
                OrderViewStatements.record([StatusChange(orderID: order, status: status, reason: reason, at: now)]),
            ])
        }

        func listed() async throws -> [String] {
            try await bench.client.query(
                OrderStatements.list(customerID: nil, status: nil, after: nil, limit: 100)
            ).map { "\(try OrderStatements.order($0).status)" }
        }

        func numbers() async throws -> [Int64] {
            try await bench.client.query(OrderViewStatements.entries(after: 0, limit: 10_000)).map { try $0.int8(0) }
        }

        func drain() async throws {
            while try await projector.project() > 0 {}
        }
    }

    private func with(_ body: @Sendable (Replica, Replica) async throws -> Void) async throws {
        try await ServiceBench.with(OrderSchema.migrations) { bench, database in
            let other = ServiceBench(database, owner: 2)
            defer { other.client.close() }
            try await body(Replica(bench, batch: 4), Replica(other, batch: 4))
        }
    }

    @Test("a list shows orders as they are once their changes were projected, however many came at once")
    func list() async throws {
        try await with { replica, _ in
            let first = try await replica.place()
            try await replica.place()
            #expect(try await replica.listed() == [])
            try await replica.drain()
            #expect(try await replica.listed() == ["pending", "pending"])
            try await replica.decide(first, .confirmed)
            try await replica.decide(first, .shipped)
            try await replica.drain()
            #expect(try await replica.listed() == ["pending", "shipped"])
            #expect(try await replica.bench.value("SELECT count(*)::text FROM order_facts") == "0")
        }
    }

    @Test("two projectors at once give each fact one number, without a gap, each order's in their order")
    func numbers() async throws {
        try await with { first, second in
            let writing = Task {
                for _ in 0..<40 {
                    let order = try await first.place()
                    try await second.decide(order, .confirmed)
                    try await first.decide(order, .shipped)
                }
            }
            let projecting = [first, second].map { replica in Task { await replica.projector.run() } }
            try await writing.value
            try await first.bench.eventually("all facts are shown") {
                try await first.bench.value("SELECT count(*)::text FROM order_facts") == "0"
            }
            for task in projecting { task.cancel() }
            for task in projecting { await task.value }
            #expect(try await first.numbers() == Array(1...120))
            let courses = try await first.bench.client.query(
                Statement(
                    "SELECT DISTINCT string_agg(status, ' ' ORDER BY number) FROM order_feed GROUP BY order_id")
            ).map { try $0.text(0) }
            #expect(courses == ["pending confirmed shipped"])
        }
    }

    @Test("a view that was damaged is written anew from the orders, and what was right stays")
    func rebuild() async throws {
        try await with { replica, _ in
            for _ in 0..<10 { try await replica.place() }
            try await replica.drain()
            try await replica.bench.run("DELETE FROM order_view WHERE id IN (SELECT id FROM order_view LIMIT 6)")
            try await replica.bench.run("UPDATE order_view SET status = 'delivered'")
            // In two portions, as an operator's requests do it.
            let first = try await replica.projector.rebuild(atMost: 5)
            #expect(first.count == 8 && first.last != nil)
            let second = try await replica.projector.rebuild(after: first.last)
            #expect(second.count == 2 && second.last == nil)
            #expect(try await replica.listed() == Array(repeating: "pending", count: 10))
        }
    }

    @Test("old entries of the feed go in batches, and the feed knows from where on it is whole")
    func prune() async throws {
        try await with { replica, _ in
            for _ in 0..<7 { try await replica.place() }
            try await replica.drain()
            try await replica.bench.run(
                "UPDATE order_feed SET recorded_at = now() - interval '2 hours' WHERE number <= 5")
            try await replica.bench.run("UPDATE order_follow_up_mark SET number = 7")
            for removed in [3, 2, 0] {
                let rows = try await replica.bench.client.query(
                    OrderViewStatements.forgetEntries(olderThan: .seconds(3600), limit: 3))
                #expect(rows.affected == removed)
            }
            #expect(try await replica.numbers() == [6, 7])
            let bounds = try await replica.bench.client.query(OrderViewStatements.bounds)[0]
            #expect(try bounds.int8(0) == 7 && bounds.int8(1) == 6)
        }
    }

    @Test("a follower gets each entry once and in order, at either replica, also one that falls far behind")
    func follow() async throws {
        try await with { first, second in
            let running = [first, second].flatMap { replica in
                [Task { await replica.projector.run() }, Task { await replica.feed.run() }]
            }
            defer { for task in running { task.cancel() } }
            try await first.place()
            for replica in [first, second] { #expect(replica.feed.enter()) }
            let writing = Task { for _ in 0..<60 { try await first.place() } }
            for replica in [first, second] {
                var place: Int64 = 0
                var seen: [Int64] = []
                while place < 61 {
                    switch await replica.feed.news(after: place, until: replica.bench.soon) {
                    case .entries(let entries): seen += entries.map(\.number)
                    case .behind:
                        seen += try await replica.bench.client.query(
                            OrderViewStatements.entries(after: place, limit: 5)
                        ).map { try $0.int8(0) }
                    case .nothing, .over: Issue.record("the follower was left alone at \(place)"); return
                    }
                    place = seen.last ?? place
                }
                #expect(seen == Array(1...61))
                replica.feed.leave()
            }
            try await writing.value
        }
    }

    @Test("who waits is let go when the service stops, and nobody comes in any more")
    func over() async throws {
        try await with { replica, _ in
            let running = Task { await replica.feed.run() }
            #expect(replica.feed.enter())
            let waiting = Task { await replica.feed.news(after: 0, until: .distantFuture) }
            replica.feed.end()
            #expect(await waiting.value == .over)
            #expect(!replica.feed.enter())
            running.cancel()
            await running.value
        }
    }
}

/// The pure parts of event streams.
@Suite("Event streams")
struct OrderStreamTests {
    private let order = UUID(high: 1, low: 1)

    private func entry(_ number: Int64, _ status: Order.Status, _ reason: Reason? = nil, of id: UUID? = nil)
        -> FeedEntry
    {
        FeedEntry(
            number: number, customerID: "c",
            change: StatusChange(orderID: id ?? order, status: status, reason: reason, at: Timestamp(milliseconds: 0)))
    }

    private func statuses(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            let rest = line.split(separator: "\"status\":\"")[1]
            return String(rest.prefix { $0 != "\"" })
        }
    }

    @Test("an event has its number, its kind and its data, each on a line, and an empty line behind")
    func form() {
        let stream = OrderStream(order: order, beginning: entry(7, .rejected, .outOfStock))
        #expect(
            stream.opening == """
                id: 7
                event: order-status
                data: {"orderId":"\(order)","status":"rejected","reason":"out-of-stock","at":"1970-01-01T00:00:00.000Z"}


                """)
        #expect(stream.isOver)
    }

    @Test("an order's stream begins with its status, shows each later one once, and ends with the last")
    func one() {
        var stream = OrderStream(order: order, beginning: entry(5, .confirmed))
        // The projection of what the opening said already, then a foreign order, then what is new.
        let text = stream.take([
            entry(6, .pending), entry(7, .confirmed), entry(8, .shipped, of: UUID(high: 2, low: 2)), entry(9, .shipped),
        ])
        #expect(statuses(text) == ["shipped"])
        #expect(!stream.isOver && stream.place == 9)
        #expect(statuses(stream.take([entry(10, .delivered), entry(11, .delivered)])) == ["delivered"])
        #expect(stream.isOver && stream.place == 10)
    }

    @Test("a resumed stream shows what is behind its place and nothing before")
    func resumed() {
        var stream = OrderStream(order: order, place: 6, isOver: false)
        #expect(statuses(stream.take([entry(6, .pending), entry(7, .confirmed)])) == ["confirmed"])
        #expect(statuses(stream.take([entry(7, .confirmed), entry(8, .shipped)])) == ["shipped"])
    }

    @Test("the stream of all shows what its reader may see, and moves on past the rest")
    func all() {
        var stream = OrderStream(place: 0) { $0.number % 2 == 0 }
        #expect(statuses(stream.take([entry(1, .pending), entry(2, .rejected), entry(3, .pending)])) == ["rejected"])
        #expect(stream.place == 3 && !stream.isOver)
        stream.advance(to: 2)
        #expect(stream.place == 3)
    }

    @Test("the window keeps the end of the feed and says when it does not reach back far enough")
    func window() {
        var window = OrderFeed.Window(capacity: 3)
        window.begin(at: 10)
        #expect(window.entries(after: 10, limit: 5)?.isEmpty == true)
        #expect(window.entries(after: 9, limit: 5) == nil)
        for number in 11...17 { window.append([entry(Int64(number), .pending)]) }
        #expect(window.entries.map(\.number) == [15, 16, 17] && window.start == 14)
        #expect(window.entries(after: 13, limit: 5) == nil)
        #expect(window.entries(after: 14, limit: 2)?.map(\.number) == [15, 16])
        #expect(window.entries(after: 16, limit: 5)?.map(\.number) == [17])
        // What was read before is not taken twice.
        window.append([entry(16, .pending), entry(17, .pending), entry(18, .pending)])
        #expect(window.entries.map(\.number) == [15, 16, 17, 18])
    }
}

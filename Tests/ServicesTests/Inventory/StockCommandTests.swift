import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import InventoryService

@Suite("Stock commands on a real database")
struct StockCommandTests {
    private func with(_ body: @Sendable (ServiceBench, TestDatabase) async throws -> Void) async throws {
        try await ServiceBench.with(InventorySchema.migrations) { bench, database in
            try await bench.run(
                """
                INSERT INTO items (sku, name, unit_price_amount, unit_price_currency, received, available)
                VALUES ('A', 'a', 100, 'EUR', 10, 10), ('B', 'b', 100, 'EUR', 5, 5)
                """)
            try await body(bench, database)
        }
    }

    private func reserve(_ bench: ServiceBench, _ order: UUID, _ lines: [String: Int64]) -> IncomingMessage {
        let lines = lines.sorted { $0.key < $1.key }.map { OrderLine(sku: $0.key, quantity: $0.value) }
        return bench.command(
            MessageType.reserveStock, to: .inventoryCommands, order, ReserveStock(orderID: order, lines: lines).encoded)
    }

    private func release(_ bench: ServiceBench, _ order: UUID) -> IncomingMessage {
        bench.command(MessageType.releaseStock, to: .inventoryCommands, order, ReleaseStock(orderID: order).encoded)
    }

    private func commit(_ bench: ServiceBench, _ order: UUID) -> IncomingMessage {
        bench.command(MessageType.commitStock, to: .inventoryCommands, order, CommitStock(orderID: order).encoded)
    }

    private func stock(_ bench: ServiceBench) async throws -> String {
        try await bench.value(
            """
            SELECT string_agg(concat_ws(' ', sku, available, reserved, shipped), ', ' ORDER BY sku) FROM items
            """)
    }

    @Test("a batch reserves, releases and ships, each command answered, in the order it came")
    func batch() async throws {
        try await with { bench, _ in
            let processor = bench.processor(StockCommandHandler(messages: bench.messages))
            let (kept, dropped, refused) = (bench.newOrder(), bench.newOrder(), bench.newOrder())
            try await processor.process([
                reserve(bench, kept, ["A": 3, "B": 1]), reserve(bench, dropped, ["A": 4]),
                reserve(bench, refused, ["A": 4, "B": 1]), release(bench, dropped),
            ])
            #expect(try await stock(bench) == "A 7 3 0, B 4 1 0")
            try await processor.process([commit(bench, kept)])
            #expect(try await stock(bench) == "A 7 0 3, B 4 0 1")
            #expect(try await bench.replies(kept) == ["reserve-stock succeeded", "commit-stock succeeded"])
            #expect(try await bench.events(kept) == [MessageType.stockShipped])
            #expect(try await bench.replies(dropped) == ["reserve-stock succeeded", "release-stock succeeded"])
            #expect(try await bench.events(dropped) == [MessageType.stockReleased])
            #expect(try await bench.replies(refused) == ["reserve-stock failed out-of-stock"])
        }
    }

    @Test("a reservation that comes after its release does nothing")
    func voided() async throws {
        try await with { bench, _ in
            let processor = bench.processor(StockCommandHandler(messages: bench.messages))
            let order = bench.newOrder()
            try await processor.process([release(bench, order)])
            try await processor.process([reserve(bench, order, ["A": 1])])
            #expect(
                try await bench.replies(order) == ["release-stock nothing-to-undo", "reserve-stock failed timed-out"])
            #expect(try await stock(bench) == "A 10 0 0, B 5 0 0")
        }
    }

    @Test("several processes that fight over one item never promise more than there is")
    func noOversell() async throws {
        try await with { bench, database in
            let others = (2...3).map { ServiceBench(database, owner: $0) }
            defer { for other in others { other.client.close() } }
            let orders = (0..<60).map { _ in bench.newOrder() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (place, worker) in ([bench] + others + [bench] + others).enumerated() {
                    let processor = worker.processor(StockCommandHandler(messages: worker.messages))
                    let mine = orders.enumerated().filter { $0.offset % 6 == place }.map(\.element)
                    group.addTask {
                        for start in stride(from: 0, to: mine.count, by: 3) {
                            // Some orders name the items in one order, some in the other.
                            try await processor.process(
                                mine[start..<min(start + 3, mine.count)].map { order in
                                    reserve(bench, order, start % 2 == 0 ? ["A": 1] : ["B": 1, "A": 1])
                                })
                        }
                    }
                }
                try await group.waitForAll()
            }
            var succeeded = 0
            for order in orders where try await bench.replies(order) == ["reserve-stock succeeded"] { succeeded += 1 }
            let promised = try await bench.value("SELECT reserved::text FROM items WHERE sku = 'A'")
            #expect(promised == "10")
            #expect(succeeded == 10)
            #expect(try await bench.value("SELECT count(*)::text FROM reservations") == "10")
            #expect(try await bench.value("SELECT count(*)::text FROM dead_letters") == "0")
        }
    }
}

import Clocks
import Contracts
import ServiceChassis
import Synchronization
import TestSupport
import Testing

@testable import OrderService

@Suite("The price book")
struct PriceBookTests {
    /// A catalogue whose answers the test gives.
    private final class Shelf: Catalogue {
        struct Away: Error {}

        private struct State {
            var asked: [[String]] = []
            var items: [String: Int64]
            var isAway = false
            var isHeld = false
            var held: [CheckedContinuation<Void, Never>] = []
        }

        private let state: Mutex<State>

        init(_ items: [String: Int64], isHeld: Bool = false) {
            state = Mutex(State(items: items, isHeld: isHeld))
        }

        var asked: [[String]] { state.withLock { $0.asked } }

        func add(_ sku: String, _ price: Int64) { state.withLock { $0.items[sku] = price } }
        func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

        func letGo() {
            let held = state.withLock { state in
                state.isHeld = false
                defer { state.held = [] }
                return state.held
            }
            for continuation in held { continuation.resume() }
        }

        func items(_ skus: [String], deadline _: MonotonicInstant) async throws -> [CatalogueItem] {
            // What is known when the question arrives, as a database would answer.
            let (known, isAway) = state.withLock { state in
                state.asked.append(skus)
                return (state.items, state.isAway)
            }
            await withCheckedContinuation { continuation in
                let isHeld = state.withLock { state in
                    if state.isHeld { state.held.append(continuation) }
                    return state.isHeld
                }
                if !isHeld { continuation.resume() }
            }
            if isAway { throw Away() }
            return skus.compactMap { sku in
                known[sku].map { CatalogueItem(sku: sku, name: sku, unitPrice: Money(amount: $0, currency: "EUR")) }
            }
        }
    }

    private let time = TestTime()

    private func book(_ shelf: Shelf) -> PriceBook {
        PriceBook(catalogue: shelf, time: time, log: .silent)
    }

    private func until(_ condition: () -> Bool) async {
        let end = SystemTime().now.advanced(by: .seconds(10))
        while !condition(), SystemTime().now < end { await Task.yield() }
        #expect(condition())
    }

    @Test("however many want a price at once, it is fetched once")
    func singleFlight() async throws {
        for _ in 0..<50 {
            let shelf = Shelf(["A": 100], isHeld: true)
            let book = book(shelf)
            try await withThrowingTaskGroup(of: Int64?.self) { group in
                for _ in 0..<16 { group.addTask { try await book.items(["A"])["A"]?.unitPrice.amount } }
                await until { !shelf.asked.isEmpty }
                for _ in 0..<50 { await Task.yield() }
                shelf.letGo()
                for try await price in group { #expect(price == 100) }
            }
            #expect(shelf.asked == [["A"]])
        }
    }

    @Test("a young price comes from memory, an ageing one is served and fetched anew, an old one is fetched first")
    func staleness() async throws {
        let shelf = Shelf(["A": 100])
        let book = book(shelf)
        _ = try await book.items(["A"])
        shelf.add("A", 200)
        time.advance(by: .milliseconds(900))
        #expect(try await book.items(["A"])["A"]?.unitPrice.amount == 100)
        #expect(shelf.asked.count == 1)
        time.advance(by: .milliseconds(200))
        #expect(try await book.items(["A"])["A"]?.unitPrice.amount == 100)
        await until { shelf.asked.count == 2 }
        shelf.add("A", 300)
        time.advance(by: .seconds(10))
        #expect(try await book.items(["A"])["A"]?.unitPrice.amount == 300)
    }

    @Test("an item that the catalogue does not know is asked for again the next time")
    func unknown() async throws {
        let shelf = Shelf([:])
        let book = book(shelf)
        #expect(try await book.items(["A"]).isEmpty)
        shelf.add("A", 100)
        #expect(try await book.items(["A"])["A"]?.unitPrice.amount == 100)
    }

    @Test("who joins a fetch that began before the item was added asks again, and so all of them find it")
    func addedMeanwhile() async throws {
        let shelf = Shelf([:], isHeld: true)
        let book = book(shelf)
        async let early = book.items(["A"])
        await until { shelf.asked.count == 1 }
        shelf.add("A", 100)
        try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<8 { group.addTask { try await book.items(["A"])["A"]?.unitPrice.amount } }
            for _ in 0..<100 { await Task.yield() }
            shelf.letGo()
            for try await price in group { #expect(price == 100) }
        }
        _ = try await early
        // They joined in asking again too.
        #expect(shelf.asked.count <= 3)
    }

    @Test("a failure is told, and not remembered")
    func failure() async throws {
        let shelf = Shelf(["A": 100])
        shelf.setAway(true)
        let book = book(shelf)
        await #expect(throws: Shelf.Away.self) { try await book.items(["A"]) }
        shelf.setAway(false)
        let items = try await book.items(["A"])
        #expect(items["A"]?.unitPrice.amount == 100)
    }

    @Test("a price is served for 4.5 seconds, and not a moment longer, not even while the catalogue is away")
    func lifetime() async throws {
        let shelf = Shelf(["A": 100])
        let book = book(shelf)
        _ = try await book.items(["A"])
        shelf.setAway(true)
        time.advance(by: .milliseconds(4500))
        #expect(try await book.items(["A"])["A"]?.unitPrice.amount == 100)
        await until { shelf.asked.count == 2 }
        time.advance(by: .milliseconds(1))
        await #expect(throws: Shelf.Away.self) { try await book.items(["A"]) }
    }

    @Test("when the catalogue does not answer, the order is told that it was not answered in time")
    func silence() async throws {
        let shelf = Shelf(["A": 100], isHeld: true)
        let book = book(shelf)
        let end = time.now.advanced(by: .seconds(2))
        let order = Task { try await book.items(["A"]) }
        while try await time.nextTimerScheduled() != end {}
        await until { !shelf.asked.isEmpty }
        time.advance(to: end)
        await #expect(throws: CallError.deadlineExceeded(operation: "price-quote", mayHaveBeenSent: false)) {
            try await order.value
        }
        shelf.letGo()
    }
}

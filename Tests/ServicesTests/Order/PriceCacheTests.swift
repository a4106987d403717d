import Clocks
import Contracts
import Testing

@testable import OrderService

@Suite("The price cache")
struct PriceCacheTests {
    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private func item(_ sku: String, _ amount: Int64 = 100) -> CatalogueItem {
        CatalogueItem(sku: sku, name: sku, unitPrice: Money(amount: amount, currency: "EUR"))
    }

    @Test("serves a price for its lifetime, counted from the start of the fetch, and not a moment longer")
    func lifetime() {
        var cache = PriceCache()
        cache.store([item("A")], asked: ["A"], startedAt: at(0))
        #expect(cache.find(["A"], now: at(4500)).items["A"] != nil)
        #expect(cache.find(["A"], now: at(4501)).missing == ["A"])
    }

    @Test("asks one caller to fetch an ageing price anew, and another only after that failed")
    func refresh() {
        var cache = PriceCache()
        cache.store([item("A")], asked: ["A"], startedAt: at(0))
        #expect(cache.find(["A"], now: at(999)).stale.isEmpty)
        #expect(cache.find(["A"], now: at(1000)).stale == ["A"])
        #expect(cache.find(["A"], now: at(1001)).stale.isEmpty)
        cache.refreshFailed(["A"])
        #expect(cache.find(["A"], now: at(1002)).stale == ["A"])
    }

    @Test("never remembers that an item is unknown, and forgets one that has become unknown")
    func unknown() {
        var cache = PriceCache()
        cache.store([], asked: ["A"], startedAt: at(0))
        #expect(cache.find(["A"], now: at(1)).missing == ["A"])
        cache.store([item("A")], asked: ["A"], startedAt: at(2))
        cache.store([], asked: ["A"], startedAt: at(3))
        #expect(cache.find(["A"], now: at(4)).missing == ["A"])
    }

    @Test("an older answer that comes late does not replace a newer one")
    func lateAnswer() {
        var cache = PriceCache()
        cache.store([item("A", 200)], asked: ["A"], startedAt: at(10))
        cache.store([item("A", 100)], asked: ["A"], startedAt: at(5))
        #expect(cache.find(["A"], now: at(11)).items["A"]?.unitPrice.amount == 200)
    }

    @Test("keeps what was used last when there is no more room")
    func bounded() {
        var cache = PriceCache(capacity: 10)
        for index in 0..<10 { cache.store([item("\(index)")], asked: ["\(index)"], startedAt: at(0)) }
        _ = cache.find(["0"], now: at(1))
        cache.store([item("new")], asked: ["new"], startedAt: at(2))
        #expect(cache.count <= 10)
        #expect(cache.find(["0", "new"], now: at(3)).missing.isEmpty)
        #expect(cache.find(["1"], now: at(3)).missing == ["1"])
    }
}

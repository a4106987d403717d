import Contracts
import Testing

@testable import OrderService

@Suite("Pricing")
struct PricingTests {
    private func request(_ lines: [OrderLine], currency: String = "EUR") -> OrderRequest {
        OrderRequest(
            customerID: "c", currency: currency, lines: lines, paymentToken: "tok_ok",
            shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: "DE"))
    }

    private func item(_ sku: String, _ amount: Int64, _ currency: String = "EUR") -> CatalogueItem {
        CatalogueItem(sku: sku, name: "Name of \(sku)", unitPrice: Money(amount: amount, currency: currency))
    }

    @Test("each line has the catalogue's price, and the total is their sum")
    func prices() {
        let result = Pricing.price(
            request([OrderLine(sku: "A", quantity: 2), OrderLine(sku: "B", quantity: 3)]),
            with: ["A": item("A", 1999), "B": item("B", 1)])
        guard case .priced(let lines, let total) = result else { return #expect(Bool(false), "\(result)") }
        #expect(total == 4001)
        #expect(lines.map(\.total) == [3998, 3])
        #expect(lines[0].name == "Name of A")
    }

    @Test("an unknown item is named at its line")
    func unknown() {
        let result = Pricing.price(
            request([OrderLine(sku: "A", quantity: 1), OrderLine(sku: "Z", quantity: 1)]), with: ["A": item("A", 1)])
        #expect(
            result == .refused([.init(pointer: "#/lines/1/sku", detail: "Z is not in the catalogue")]))
    }

    @Test("an item sold in another currency is named at the currency")
    func currency() {
        let result = Pricing.price(request([OrderLine(sku: "A", quantity: 1)]), with: ["A": item("A", 1, "USD")])
        #expect(result == .refused([.init(pointer: "#/currency", detail: "A is sold in USD")]))
    }

    @Test("a total that no integer holds is refused, not wrapped")
    func overflow() {
        let result = Pricing.price(
            request([OrderLine(sku: "A", quantity: 1000)]), with: ["A": item("A", Int64.max / 2)])
        #expect(result == .refused([.init(pointer: "#/lines/0/quantity", detail: "makes the total too large")]))
    }
}

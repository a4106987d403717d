import Clocks
import Contracts
import HTTPCodec
import JSON
import ServiceChassis

/// The catalogue of inventory-service, over HTTP.
struct HTTPCatalogue: Catalogue {
    private let inventory: ServiceCaller

    init(_ inventory: ServiceCaller) {
        self.inventory = inventory
    }

    /// SKUs were checked against their alphabet, which needs no escaping in a query.
    func items(_ skus: [String], deadline: MonotonicInstant) async throws -> [CatalogueItem] {
        let query = skus.map { "sku=\($0)" }.joined(separator: "&")
        let response = try await inventory.send(
            .init(.get, "/v1/items?limit=100&\(query)"), operation: "price-quote", deadline: deadline)
        guard response.status == .ok else {
            throw CallError.unavailable(operation: "price-quote", detail: "answered \(response.status)")
        }
        do {
            return try JSONDocument(parsing: response.body).decode(unknownMembers: .ignored) { answer in
                answer.objects("items") { item in
                    CatalogueItem(
                        sku: item.string("sku"), name: item.string("name"),
                        unitPrice: item.object("unitPrice") { Money(&$0, in: 1...Int64.max) })
                }
            }
        } catch {
            throw CallError.unavailable(operation: "price-quote", detail: "its answer is not readable: \(error)")
        }
    }
}

/// What `holdfast up` stocks when the catalogue is empty.
package enum SampleCatalogue {
    package struct Item: Sendable, Equatable {
        package var sku: String
        package var name: String
        package var cents: Int
        package var quantity: Int
    }

    package static let currency = "EUR"

    package static let items = [
        Item(sku: "SKU-1", name: "Lamp", cents: 1999, quantity: 10_000),
        Item(sku: "SKU-2", name: "Chair", cents: 7900, quantity: 5_000),
        Item(sku: "SKU-3", name: "Desk", cents: 24_900, quantity: 1_000),
        Item(sku: "SKU-4", name: "Signed print", cents: 4500, quantity: 3),
    ]

    package struct Order: Sendable, Equatable {
        package var lines: [(sku: String, quantity: Int)]
        package var token: String

        package static func == (left: Order, right: Order) -> Bool {
            left.token == right.token && left.lines.elementsEqual(right.lines, by: ==)
        }
    }

    /// One that is confirmed, one that asks for more than there is, one whose payment is declined.
    package static let orders = [
        Order(lines: [("SKU-1", 2), ("SKU-2", 1)], token: "tok_ok"),
        Order(lines: [("SKU-4", 5)], token: "tok_ok"),
        Order(lines: [("SKU-3", 1)], token: "tok_declined"),
    ]
}

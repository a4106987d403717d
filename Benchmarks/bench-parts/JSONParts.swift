import Clocks
import Contracts
import JSON

/// An order comes in and its answer goes out: the two JSON operations of every request that matters.
func jsonParts() -> [Part] {
    let order = Array(orderText.utf8)
    let answer = Answer.sample
    return [
        Part("json: read an order of \(order.count) bytes", nanoseconds: 2000, allocations: 2) { count in
            for _ in 0..<count { consume(try? JSONDocument(parsing: order)) }
        },
        Part("json: read and decode it with all checks", nanoseconds: 4000, allocations: 10) { count in
            for _ in 0..<count { consume(try? JSONDocument(parsing: order).decode { NewOrder(&$0) }) }
        },
        Part("json: its canonical form", nanoseconds: 4000, allocations: 10) { count in
            guard let document = try? JSONDocument(parsing: order) else { return }
            for _ in 0..<count { consume(document.canonicalBytes) }
        },
        Part("json: write an answer of \(answer.encoded.count) bytes", nanoseconds: 2000, allocations: 2) { count in
            for _ in 0..<count { consume(answer.encoded) }
        },
    ]
}

let orderText = """
    {"customerId":"customer-000123","currency":"EUR","lines":[{"sku":"SKU-1","quantity":2},{"sku":"SKU-20","quantity":1},\
    {"sku":"SKU-300","quantity":12},{"sku":"SKU-4000","quantity":1},{"sku":"SKU-5","quantity":3}],\
    "payment":{"token":"tok_ok"},"shipTo":{"name":"Ada Lovelace","street":"St James's Square 12","city":"London",\
    "postalCode":"SW1Y 4JH","country":"GB"}}
    """

struct NewOrder {
    var customerId: String
    var currency: String
    var lines: [(sku: String, quantity: Int)]
    var token: String
    var shipTo: Address

    struct Address {
        var name: String
        var street: String
        var city: String
        var postalCode: String
        var country: String
    }

    private static let identifier = JSONCharacters("A-Za-z0-9._:-")
    private static let sku = JSONCharacters("A-Za-z0-9._-")
    private static let token = JSONCharacters("A-Za-z0-9_-")
    private static let capitals = JSONCharacters("A-Z")

    init(_ order: inout JSONObjectDecoder) {
        customerId = order.string("customerId", length: 1...64, matching: Self.identifier)
        currency = order.string("currency", length: 3...3, matching: Self.capitals)
        lines = order.objects("lines", count: 1...100) { line in
            (line.string("sku", length: 1...64, matching: Self.sku), line.integer("quantity", in: 1...1000))
        }
        token = order.object("payment") { $0.string("token", length: 1...128, matching: Self.token) }
        shipTo = order.object("shipTo") { address in
            Address(
                name: address.string("name", length: 1...200, matching: .withoutControls),
                street: address.string("street", length: 1...200, matching: .withoutControls),
                city: address.string("city", length: 1...200, matching: .withoutControls),
                postalCode: address.string("postalCode", length: 1...16, matching: .withoutControls),
                country: address.string("country", length: 2...2, matching: Self.capitals))
        }
    }
}

struct Money: JSONEncodable {
    var amount: Int64
    var currency: String

    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("amount", amount)
            $0.member("currency", currency)
        }
    }
}

struct Answer {
    struct Line {
        var sku: String
        var name: String
        var quantity: Int
        var unitPrice: Money
        var total: Money
    }

    var id: UUID
    var customerId: String
    var status: String
    var reason: String?
    var total: Money
    var lines: [Line]
    var shipTo: (name: String, street: String, city: String, postalCode: String, country: String)
    var createdAt: Timestamp
    var updatedAt: Timestamp

    var encoded: [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.object {
            $0.member("id", id)
            $0.member("customerId", customerId)
            $0.member("status", status)
            $0.member("reason", reason)
            $0.member("currency", total.currency)
            $0.member("total", total)
            $0.array("lines", lines) { json, line in
                json.object {
                    $0.member("sku", line.sku)
                    $0.member("name", line.name)
                    $0.member("quantity", line.quantity)
                    $0.member("unitPrice", line.unitPrice)
                    $0.member("total", line.total)
                }
            }
            $0.object("shipTo") {
                $0.member("name", shipTo.name)
                $0.member("street", shipTo.street)
                $0.member("city", shipTo.city)
                $0.member("postalCode", shipTo.postalCode)
                $0.member("country", shipTo.country)
            }
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
        return json.bytes
    }

    static let sample: Answer = {
        func money(_ amount: Int64) -> Money { Money(amount: amount, currency: "EUR") }
        let time = Timestamp(milliseconds: 1_795_509_302_123)
        return Answer(
            id: UUID(high: 0x019A_B3C4_D5E6_7F01, low: 0x8A1B_2C3D_4E5F_6071), customerId: "customer-000123",
            status: "pending", reason: nil, total: money(6796),
            lines: [
                Line(sku: "SKU-1", name: "Lamp", quantity: 2, unitPrice: money(1999), total: money(3998)),
                Line(sku: "SKU-20", name: "Table", quantity: 1, unitPrice: money(2798), total: money(2798)),
            ],
            shipTo: ("Ada Lovelace", "St James's Square 12", "London", "SW1Y 4JH", "GB"), createdAt: time,
            updatedAt: time)
    }()
}

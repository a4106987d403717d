import Clocks

/// One of many orders of a storm: what it asks for, and what may come of it.
struct StormOrder: Sendable {
    let key: String
    let lines: [(sku: String, quantity: Int)]
    let token: String
    let country: String

    /// Mixed by the seed: several lines, tokens of all kinds, a few to Antarctica, a few far too large.
    init(_ number: Int, of storm: String, skus: [String], random: SeededRandom) {
        key = "\(storm)-\(number)"
        var lines: [(sku: String, quantity: Int)] = []
        for sku in skus where lines.isEmpty || random.next() % 3 == 0 {
            lines.append((sku, Int(random.next() % 3) + 1))
        }
        lines.swapAt(0, Int(random.next() % UInt64(lines.count)))
        if random.next() % 30 == 0 { lines[0].quantity = 1000 }
        self.lines = lines
        let tokens = [
            "tok_ok", "tok_ok", "tok_ok", "tok_ok", "tok_ok", "tok_flaky", "tok_slow", "tok_declined", "tok_x",
        ]
        token = tokens[Int(random.next() % UInt64(tokens.count))]
        country = random.next() % 12 == 0 ? "AQ" : "DE"
    }

    var body: String {
        let lines = lines.map { #"{"sku":"\#($0.sku)","quantity":\#($0.quantity)}"# }.joined(separator: ",")
        return
            #"{"customerId":"c-1","currency":"EUR","lines":[\#(lines)],"payment":{"token":"\#(token)"},"shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"\#(country)"}}"#
    }

    var isDeclined: Bool { token == "tok_declined" || token == "tok_x" }
    var isRefusedByCarrier: Bool { country == "AQ" }
    var isTooLarge: Bool { lines.contains { $0.quantity == 1000 } }

    /// Whether an order like this may end so.
    func mayEnd(_ status: String, _ reason: String?) -> Bool {
        switch (status, reason) {
        case ("confirmed", nil), ("shipped", nil), ("delivered", nil):
            !isDeclined && !isRefusedByCarrier && !isTooLarge
        case ("rejected", "out-of-stock"): true
        case ("rejected", "payment-declined"): isDeclined && !isTooLarge
        case ("rejected", "shipping-unavailable"): isRefusedByCarrier && !isDeclined && !isTooLarge
        default: false
        }
    }
}

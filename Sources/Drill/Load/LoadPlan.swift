import Clocks
import Invariants

/// Decides what each order of a drill asks for; the same seed asks for the same orders.
struct LoadPlan: Sendable {
    /// Names customers, keys and items of this run: `drill-1a2b`.
    let prefix: String
    let settings: LoadSettings
    let random: SeededRandom

    /// One order with all that happens to it from outside.
    struct Order: Sendable {
        var number: Int
        var key: String
        var customerID: String
        var intent: Operation.Intent
        var lines: [(sku: String, quantity: Int)]
        var body: String
        /// Sent a second time while the first is under way.
        var hasTwin: Bool
        var cancelsAfter: Duration?
        /// When its customer looks at it, counted from the answer.
        var readsAfter: [Duration]
        var traceID: String
        /// A number to choose the replica by.
        var draw: Int
    }

    static let coldItems = 6

    var hotSKU: String { "\(prefix)-hot" }
    var scarceSKU: String { "\(prefix)-scarce" }
    func coldSKU(_ index: Int) -> String { "\(prefix)-\(index)" }

    /// What has to be in stock, with its price.
    var items: [(sku: String, price: Int, quantity: Int)] {
        [(hotSKU, 1999, 1_000_000), (scarceSKU, 4500, 3)]
            + (0..<Self.coldItems).map { (coldSKU($0), 500 + 100 * $0, 1_000_000) }
    }

    func order(_ number: Int) -> Order {
        let intent = drawIntent()
        var lines: [(sku: String, quantity: Int)] = []
        if random.nextUnit() < settings.hotShare { lines.append((hotSKU, 1 + below(2))) }
        for _ in 0..<(lines.isEmpty ? 1 + below(2) : below(2)) {
            let sku = coldSKU(below(Self.coldItems))
            if !lines.contains(where: { $0.sku == sku }) { lines.append((sku, 1 + below(3))) }
        }
        if intent == .outOfStock { lines.append((scarceSKU, 1000)) }
        // All draws are made whether they are used or not, so that settings change as little of the sequence as they can.
        let hasTwin = random.nextUnit() < settings.repeats
        let isCancelled = random.nextUnit() < settings.cancellations
        let cancelsAfter = random.nextDuration(upTo: .milliseconds(300))
        let reads = (0..<settings.reads).map { random.nextDuration(upTo: .seconds(1 + 2 * $0)) }
        let customer = "\(prefix)-c\(number)"
        return Order(
            number: number, key: "\(prefix)-k\(number)", customerID: customer, intent: intent, lines: lines,
            body: Self.body(customer: customer, lines: lines, intent: intent), hasTwin: hasTwin,
            cancelsAfter: isCancelled ? cancelsAfter : nil, readsAfter: reads,
            traceID: Self.hex(random.next()) + Self.hex(random.next()), draw: below(1 << 20))
    }

    private func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    private func drawIntent() -> Operation.Intent {
        let mix = settings.mix.sorted { $0.key.rawValue < $1.key.rawValue }
        var draw = below(max(1, mix.reduce(0) { $0 + $1.value }))
        for (intent, weight) in mix {
            draw -= weight
            if draw < 0 { return intent }
        }
        return .ok
    }

    private static func body(
        customer: String, lines: [(sku: String, quantity: Int)], intent: Operation.Intent
    ) -> String {
        let token =
            switch intent {
            case .declined: "tok_declined"
            case .slow: "tok_slow"
            case .flaky: "tok_flaky"
            case .ok, .outOfStock, .carrierRefuses: "tok_ok"
            }
        let country = intent == .carrierRefuses ? "AQ" : "DE"
        let list = lines.map { #"{"sku":"\#($0.sku)","quantity":\#($0.quantity)}"# }.joined(separator: ",")
        return #"{"customerId":"\#(customer)","currency":"EUR","lines":[\#(list)],"payment":{"token":"\#(token)"},"#
            + #""shipTo":{"name":"Drill","street":"Quay 1","city":"Port","postalCode":"1000","country":"\#(country)"}}"#
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

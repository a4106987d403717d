import Clocks
import JSON

/// Which orders are placed: what is to become of them, and what they want.
package struct OrderMix: Sendable, Equatable {
    /// What an order is made to end as, with the built-in providers or the simulator.
    package enum Kind: String, CaseIterable, Sendable {
        case ok, declined, slow, flaky
        case outOfStock = "out-of-stock"
        case undeliverable

        var token: String {
            switch self {
            case .declined: "tok_declined"
            case .slow: "tok_slow"
            case .flaky: "tok_flaky"
            case .ok, .outOfStock, .undeliverable: "tok_ok"
            }
        }
    }

    /// How much of the whole each kind is; they need not add up to anything.
    package var shares: [Kind: Double] = [.ok: 100]
    package var items = 100
    /// The share of orders whose only line is the item `LOAD-HOT`.
    package var hotShare = 0.0
    package var lines = 1

    static let hotItem = "LOAD-HOT"
    /// An item that never has any stock.
    static let emptyItem = "LOAD-EMPTY"

    package init() {}

    /// Every item that orders may want, with whether it gets stock.
    var catalogue: [(sku: String, isStocked: Bool)] {
        (0..<items).map { ("LOAD-\($0)", true) } + [(Self.hotItem, true), (Self.emptyItem, false)]
    }

    /// Reads `ok=90,declined=10`.
    static func shares(_ text: String) throws(LoadPlanError) -> [Kind: Double] {
        var shares: [Kind: Double] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let kind = Kind(rawValue: String(pair[0])), let share = Double(pair[1]), share >= 0
            else {
                let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw LoadPlanError(
                    description: "--mix has \"\(part)\", but must be like ok=90,declined=10; the kinds are \(kinds).")
            }
            shares[kind, default: 0] += share
        }
        guard shares.values.reduce(0, +) > 0 else { throw LoadPlanError(description: "--mix has no share above 0.") }
        return shares
    }

    /// An order's body.
    func body(_ number: Int, _ random: some RandomSource) -> [UInt8] {
        let kind = kind(random.nextUnit())
        var json = JSONWriter(capacity: 400)
        json.object {
            $0.member("customerId", "load-\(number % 1000)")
            $0.member("currency", "EUR")
            $0.array("lines", skus(kind, random)) { json, sku in
                json.object {
                    $0.member("sku", sku)
                    $0.member("quantity", 1)
                }
            }
            $0.object("payment") { $0.member("token", kind.token) }
            $0.object("shipTo") {
                $0.member("name", "Load Test")
                $0.member("street", "Queue 1")
                $0.member("city", "Erlang")
                $0.member("postalCode", "1000")
                $0.member("country", kind == .undeliverable ? "AQ" : "DE")
            }
        }
        return json.bytes
    }

    private func kind(_ unit: Double) -> Kind {
        var rest = unit * shares.values.reduce(0, +)
        for kind in Kind.allCases {
            rest -= shares[kind] ?? 0
            if rest < 0 { return kind }
        }
        return Kind.allCases.last { shares[$0] ?? 0 > 0 } ?? .ok
    }

    private func skus(_ kind: Kind, _ random: some RandomSource) -> [String] {
        if kind == .outOfStock { return [Self.emptyItem] }
        if hotShare > 0, random.nextUnit() < hotShare { return [Self.hotItem] }
        let first = Int(random.next() % UInt64(items))
        // Neighbours, so that the lines of an order are of different items.
        return (0..<min(lines, items)).map { "LOAD-\((first + $0) % items)" }
    }
}

/// The services of the suite, in the order they are started.
package enum ServiceName: String, CaseIterable, Sendable {
    case inventory = "inventory-service"
    case payment = "payment-service"
    case shipping = "shipping-service"
    case order = "order-service"

    /// Its database; no two share one.
    package var database: String {
        switch self {
        case .inventory: "inventory"
        case .payment: "payments"
        case .shipping: "shipping"
        case .order: "orders"
        }
    }

    /// The API port of its first replica unless told otherwise; the admin port is the next one.
    package var defaultPort: Int {
        switch self {
        case .order: 8080
        case .inventory: 8082
        case .payment: 8084
        case .shipping: 8086
        }
    }

    /// The services whose API it calls, with the setting that says where that is.
    var peers: [(setting: String, service: ServiceName)] {
        guard self == .order else { return [] }
        return [("INVENTORY_URL", .inventory), ("PAYMENT_URL", .payment), ("SHIPPING_URL", .shipping)]
    }
}

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

    /// How a service is told of its provider, and where that tells what happens.
    struct Provider: Sendable {
        /// The setting that chooses between `builtin` and `http`.
        var kindSetting: String
        var urlSetting: String
        /// The provider's setting for where the service is.
        var webhookSetting: String
        var webhookRoute: String
    }

    /// The provider the service works with, for the two that have one.
    var provider: Provider? {
        switch self {
        case .payment:
            Provider(
                kindSetting: "PAYMENT_PROVIDER", urlSetting: "PROVIDER_URL", webhookSetting: "PAYMENT_WEBHOOK_URL",
                webhookRoute: "/v1/provider-events")
        case .shipping:
            Provider(
                kindSetting: "CARRIER", urlSetting: "CARRIER_URL", webhookSetting: "CARRIER_WEBHOOK_URL",
                webhookRoute: "/v1/carrier-events")
        case .order, .inventory: nil
        }
    }
}

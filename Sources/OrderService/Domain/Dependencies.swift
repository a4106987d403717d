import Contracts

/// The services that order-service depends on, as they are called in metrics, breakers and retry budgets: whoever is
/// commanded by the saga and asked over HTTP is one dependency.
package enum Dependencies {
    package static let inventory = "inventory-service"
    package static let payment = "payment-service"
    package static let shipping = "shipping-service"

    /// Who carries out the command with this name.
    package static func dependency(of command: String) -> String? {
        switch command {
        case ReserveStock.name, ReleaseStock.name, CommitStock.name: inventory
        case ChargePayment.name, RefundPayment.name: payment
        case BookShipment.name, CancelShipment.name: shipping
        default: nil
        }
    }
}

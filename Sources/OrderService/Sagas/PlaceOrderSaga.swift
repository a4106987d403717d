import Contracts
import Saga

/// What happens when an order is placed.
///
/// Up to the pivot everything can be undone; from there on it only goes forward. A step that gets no answer for two
/// minutes is given up, and counts as done when the saga is undone; so does one that is parked when the whole has taken ten.
///
/// A change of the steps is a new version, and the old one stays with ``PlaceOrderProcess`` as long as sagas follow it;
/// waits and the deadline may change without.
package enum PlaceOrderSaga {
    package static let confirm = "confirm"

    package static func definition() throws(SagaDefinitionError) -> SagaDefinition {
        try SagaDefinition(
            "place-order", version: 1, deadline: .seconds(600),
            steps: [
                .compensatable(ReserveStock.name, undoneBy: ReleaseStock.name),
                .compensatable(ChargePayment.name, undoneBy: RefundPayment.name),
                .compensatable(BookShipment.name, undoneBy: CancelShipment.name),
                .pivot(confirm),
                .retriable(CommitStock.name),
            ])
    }
}

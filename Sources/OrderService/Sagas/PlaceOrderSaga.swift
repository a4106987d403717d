import Contracts
import Saga

/// What happens when an order is placed.
///
/// Up to the pivot everything can be undone; from there on it only goes forward. A step that gets no answer for two
/// minutes is given up, and counts as done when the saga is undone.
enum PlaceOrderSaga {
    static let confirm = "confirm"

    static func definition() throws(SagaDefinitionError) -> SagaDefinition {
        try SagaDefinition(
            "place-order", version: 1,
            steps: [
                .compensatable(ReserveStock.name, undoneBy: ReleaseStock.name),
                .compensatable(ChargePayment.name, undoneBy: RefundPayment.name),
                .compensatable(BookShipment.name, undoneBy: CancelShipment.name),
                .pivot(confirm),
                .retriable(CommitStock.name),
            ])
    }
}

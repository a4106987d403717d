import Clocks
import Contracts

/// A carrier in the process: goes everywhere but to Antarctica, and always on time.
struct BuiltinCarrier: Carrier {
    /// How long after booking the goods leave; nil when `POST /v1/carrier-events` tells.
    private let dispatchDelay: Duration?
    /// How long after booking they arrive; nil when `POST /v1/carrier-events` tells.
    private let deliveryDelay: Duration?

    init(dispatchDelay: Duration?, deliveryDelay: Duration?) {
        self.dispatchDelay = dispatchDelay
        self.deliveryDelay = deliveryDelay
    }

    func book(_ shipment: UUID, to address: Address) -> CarrierAnswer {
        address.country == "AQ" ? .refused : .booked(reference: "builtin-\(shipment)")
    }

    func dispatchTime(bookedAt: Timestamp) -> Timestamp? {
        dispatchDelay.map { bookedAt.advanced(by: $0) }
    }

    func deliveryTime(bookedAt: Timestamp) -> Timestamp? {
        deliveryDelay.map { bookedAt.advanced(by: $0) }
    }
}

import Clocks
import Contracts

/// A carrier in the process: goes everywhere but to Antarctica, and always on time.
///
/// It remembers nothing: it has never heard of a booking it is asked about, and a booking that is repeated gets the answer
/// it would have got.
struct BuiltinCarrier: Carrier {
    /// How long after booking the goods leave; nil when `POST /v1/carrier-events` tells.
    private let dispatchDelay: Duration?
    /// How long after booking they arrive; nil when `POST /v1/carrier-events` tells.
    private let deliveryDelay: Duration?

    init(dispatchDelay: Duration?, deliveryDelay: Duration?) {
        self.dispatchDelay = dispatchDelay
        self.deliveryDelay = deliveryDelay
    }

    func immediateAnswer(to call: CarrierCall, for shipment: Shipment) -> CarrierAnswer? {
        let reference = "builtin-\(shipment.id)"
        return switch call {
        case .book: shipment.shipTo.country == "AQ" ? .refused : .booked(reference: reference)
        case .query: .notFound
        case .cancel: .cancelled
        case .confirm: .booked(reference: reference)
        case .track: whereabouts(of: shipment, reference)
        }
    }

    func perform(_ call: CarrierCall, for shipment: Shipment) async throws(CancellationError) -> CarrierAnswer {
        immediateAnswer(to: call, for: shipment) ?? .unknown("the builtin carrier answers everything at once")
    }

    func trackingDelay(of shipment: Shipment) -> Duration? {
        let delay = shipment.status == .booked ? dispatchDelay : deliveryDelay
        return delay.map { max(.zero, $0 - shipment.age) }
    }

    /// Goods leave before they arrive, whatever the two delays are.
    private func whereabouts(of shipment: Shipment, _ reference: String) -> CarrierAnswer {
        func isOver(_ delay: Duration?) -> Bool { delay.map { $0 <= shipment.age } ?? false }
        if shipment.status == .dispatched {
            return isOver(deliveryDelay) ? .delivered(reference: reference) : .dispatched(reference: reference)
        }
        return isOver(dispatchDelay) ? .dispatched(reference: reference) : .booked(reference: reference)
    }
}

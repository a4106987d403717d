import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Telemetry

/// The parts of an order that other services own: its payment and its shipment, as they show them.
struct OrderParts: Sendable {
    /// A part as JSON; nil when there is none.
    enum Part: Sendable {
        case found([UInt8]?)
        /// Its service could not be asked.
        case unavailable
    }

    private let payments: ServiceCaller
    private let shipments: ServiceCaller
    private let timeout: Duration
    private let time: any TimeSource
    private let log: Logger

    init(
        payments: ServiceCaller, shipments: ServiceCaller, timeout: Duration = .seconds(1), time: any TimeSource,
        log: Logger
    ) {
        self.payments = payments
        self.shipments = shipments
        self.timeout = timeout
        self.time = time
        self.log = log
    }

    /// Asks both services at once; the answer does not wait for either longer than the timeout.
    func parts(of orderID: UUID, deadline: MonotonicInstant) async -> (payment: Part, shipment: Part) {
        let deadline = min(deadline, time.now.advanced(by: timeout))
        async let payment = part("/v1/payments", "read-payment", from: payments, orderID, deadline)
        async let shipment = part("/v1/shipments", "read-shipment", from: shipments, orderID, deadline)
        return await (payment, shipment)
    }

    private func part(
        _ path: String, _ operation: String, from caller: ServiceCaller, _ orderID: UUID, _ deadline: MonotonicInstant
    ) async -> Part {
        do {
            let response = try await caller.send(
                .init(.get, "\(path)?orderId=\(orderID)&limit=1"), operation: operation, deadline: deadline)
            guard response.status == .ok, let items = try JSONDocument(parsing: response.body).root["items"] else {
                return .unavailable
            }
            return .found(items.elements.first { _ in true }.map { Array($0.source) })
        } catch {
            log.debug("a part of an order could not be fetched", ["orderId": .uuid(orderID), "error": .error(error)])
            return .unavailable
        }
    }
}

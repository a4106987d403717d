import Clocks
import Contracts
import Messaging
import Postgres
import Telemetry

/// Moves shipments on when their time has come: dispatched, then delivered.
///
/// The due times are in the table, so that a crash forgets nothing; replicas pass over what another is moving.
final class DueShipments: Sendable {
    private let carrier: any Carrier
    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let time: any TimeSource
    private let log: Logger
    private let wakeUp = Signal()
    private let batchLimit = 200
    /// How often the table is looked at when nothing says that something is due.
    private let idleInterval = Duration.seconds(5)

    init(
        carrier: any Carrier, postgres: PostgresClient, unitOfWork: UnitOfWork, messages: MessageFactory,
        time: any TimeSource, log: Logger
    ) {
        self.carrier = carrier
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.time = time
        self.log = log
    }

    /// Due times were set; returns at once.
    func notify() {
        wakeUp.notify()
    }

    /// Works until cancelled.
    func run() async {
        var wait = Duration.zero
        while await wakeUp.wait(until: time.now.advanced(by: wait), time: time) {
            do {
                while try await moveDue() == batchLimit {}
                wait = try await untilNextDue()
            } catch {
                if Task.isCancelled { return }
                log.warning("due shipments could not be moved, will be tried again", ["error": .error(error)])
                wait = .seconds(1)
            }
        }
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: .seconds(10)) }

    private func untilNextDue() async throws -> Duration {
        guard let row = try await postgres.query(ShipmentStatements.nextDue, deadline: deadline).first else {
            return idleInterval
        }
        return min(max(.seconds(try row.double(0)), .milliseconds(1)), idleInterval)
    }

    /// Moves one batch; answers how many shipments were in it.
    private func moveDue() async throws -> Int {
        try await unitOfWork.run(
            reads: [ShipmentStatements.lockDue(limit: batchLimit)], deadline: deadline
        ) { rows in
            let due = try rows[0].map { try ShipmentStatements.shipment($0) }
            guard !due.isEmpty else { return UnitOfWork.Decision(result: 0) }
            let now = self.messages.wallNow
            var moved: [Shipment] = []
            var outgoing: [OutgoingMessage] = []
            for shipment in due {
                let (next, event) = self.step(shipment)
                moved.append(next)
                guard let event else { continue }
                let fact = OrderFact(orderID: next.orderID, at: now)
                outgoing.append(self.messages.event(fact, type: event, to: .shippingEvents))
            }
            return UnitOfWork.Decision(
                writes: [ShipmentStatements.update(moved, now: now)], outgoing: outgoing, result: due.count)
        }
    }

    private func step(_ shipment: Shipment) -> (Shipment, event: String?) {
        var next = shipment
        switch shipment.status {
        case .booked:
            next.status = .dispatched
            next.dueAt = carrier.deliveryTime(bookedAt: shipment.bookedAt)
            return (next, MessageType.shipmentDispatched)
        case .dispatched:
            next.status = .delivered
            next.dueAt = nil
            return (next, MessageType.shipmentDelivered)
        case .cancelled, .delivered:
            next.dueAt = nil
            return (next, nil)
        }
    }
}

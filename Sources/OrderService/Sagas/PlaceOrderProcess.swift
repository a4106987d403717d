import Clocks
import Contracts
import JSON
import Messaging
import Postgres
import Saga
import SagaRuntime

/// What the order saga's commands say, and what its pivot and its end do to the order.
struct PlaceOrderProcess: SagaProcess {
    /// What commands are made of.
    struct Details: Sendable {
        var currency: String
        var total: Int64
        var lines: [OrderLine]
        var shipTo: Address
        var paymentToken: String
    }

    let definition: SagaDefinition
    private let messages: MessageFactory
    private let waiters: OrderWaiters
    private let notices: OrderNotices
    private let projector: OrderProjector
    private let metrics: OrderMetrics
    private let admission: OrderAdmission

    init(
        definition: SagaDefinition, messages: MessageFactory, waiters: OrderWaiters, notices: OrderNotices,
        projector: OrderProjector, metrics: OrderMetrics, admission: OrderAdmission
    ) {
        self.definition = definition
        self.messages = messages
        self.waiters = waiters
        self.notices = notices
        self.projector = projector
        self.metrics = metrics
        self.admission = admission
    }

    func loadDetails(of sagas: [UUID]) -> Statement {
        OrderStatements.details(of: sagas)
    }

    func details(_ row: Row) throws -> (saga: UUID, details: Details) {
        let details = Details(
            currency: try row.text(1), total: try row.int8(2), lines: try OrderLine.list(decoding: try row.json(3)),
            shipTo: try Address(decoding: try row.json(4)), paymentToken: try row.text(5))
        return (try row.uuid(0), details)
    }

    func command(
        _ name: String, id: UUID, saga: UUID, _ details: Details, wantedFor: Duration?, trace: TraceHeaders?
    ) throws -> OutgoingMessage {
        // By the clock that also says when the message was said: the receiver compares the two.
        let deadline = wantedFor.map { messages.wallNow.advanced(by: $0) }
        func send<C: Command>(_ type: C.Type, _ payload: [UInt8]) -> OutgoingMessage {
            messages.message(
                to: C.topic, type: C.messageType, orderID: saga, id: id, deadline: deadline, trace: trace,
                payload: payload)
        }
        switch name {
        case ReserveStock.name:
            return send(ReserveStock.self, ReserveStock(orderID: saga, lines: details.lines).encoded)
        case ChargePayment.name:
            let amount = Money(amount: details.total, currency: details.currency)
            return send(
                ChargePayment.self,
                ChargePayment(orderID: saga, amount: amount, token: details.paymentToken).encoded)
        case BookShipment.name:
            return send(
                BookShipment.self,
                BookShipment(orderID: saga, shipTo: details.shipTo, lines: details.lines).encoded)
        case CommitStock.name: return send(CommitStock.self, CommitStock(orderID: saga).encoded)
        case ReleaseStock.name: return send(ReleaseStock.self, ReleaseStock(orderID: saga).encoded)
        case RefundPayment.name: return send(RefundPayment.self, RefundPayment(orderID: saga).encoded)
        case CancelShipment.name: return send(CancelShipment.self, CancelShipment(orderID: saga).encoded)
        default: throw ContractError(type: name, detail: "the order saga has no such command")
        }
    }

    func dependency(of command: String) -> String? {
        Dependencies.dependency(of: command)
    }

    func answered(_ waits: [(command: String, wait: Duration)]) {
        admission.answered(after: waits.filter { $0.command == ReserveStock.name }.map(\.wait))
    }

    func perform(_ step: String, for sagas: [UUID], now: Timestamp) -> SagaEffects {
        precondition(step == PlaceOrderSaga.confirm, "the order saga has no local step \(step)")
        return decide(
            sagas.map { (id: $0, status: Order.Status.confirmed, reason: nil) }, now: now,
            event: { _ in MessageType.orderConfirmed })
    }

    func conclude(_ ended: [EndedSaga], now: Timestamp) -> SagaEffects {
        // A saga that completed has had its order confirmed at the pivot; the others are decided now.
        let undone = ended.compactMap { saga -> (id: UUID, status: Order.Status, reason: Reason?)? in
            guard case .compensated(let text) = saga.outcome else { return nil }
            let reason = Reason(rawValue: text) ?? .timedOut
            return (saga.id, reason == .cancelledByCustomer ? .cancelled : .rejected, reason)
        }
        var effects =
            undone.isEmpty
            ? SagaEffects()
            : decide(undone, now: now) { $0 == .cancelled ? MessageType.orderCancelled : MessageType.orderRejected }
        let tellOrders = effects.afterCommit
        effects.afterCommit = { [metrics] in
            tellOrders?()
            for saga in ended { metrics.sagaEnded(saga, at: now) }
        }
        return effects
    }

    private func decide(
        _ outcomes: [(id: UUID, status: Order.Status, reason: Reason?)], now: Timestamp,
        event: (Order.Status) -> String
    ) -> SagaEffects {
        let events = outcomes.map { outcome in
            messages.event(
                OrderFact(orderID: outcome.id, reason: outcome.reason, at: now), type: event(outcome.status),
                to: .orderEvents)
        }
        return SagaEffects(
            writes: [
                OrderStatements.decide(outcomes, now: now),
                OrderViewStatements.record(
                    outcomes.map { StatusChange(orderID: $0.id, status: $0.status, reason: $0.reason, at: now) }),
            ], outgoing: events,
            afterCommit: { [metrics, waiters, notices, projector] in
                projector.notify()
                for outcome in outcomes { metrics.orderReached(outcome.status, outcome.reason) }
                waiters.signal(outcomes.map(\.id))
                notices.tell(outcomes.map(\.id))
            })
    }
}

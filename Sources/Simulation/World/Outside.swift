import Clocks
import Contracts
import PaymentService
import ShippingService

/// The books of a payment provider and of a carrier: what they do under one key they do once, and under a key that was
/// called off never.
struct Outside {
    struct Charge {
        enum State: Hashable {
            case pending(until: Instant)
            case captured, declined
            case reversed(returned: Int64)
        }

        var orderID: UUID
        var amount: Int64
        var state: State
    }

    struct Booking {
        enum State: Hashable {
            case pending(until: Instant)
            case booked, refused, cancelled
            case handedOver(at: Instant)
        }

        var orderID: UUID
        var state: State
    }

    private(set) var charges: [UUID: Charge] = [:]
    private(set) var bookings: [UUID: Booking] = [:]

    static let dispatchDelay = Int64.seconds(3)
    static let deliveryDelay = Int64.seconds(6)

    /// The keys under which an order's money is taken.
    func standingCharges(of order: UUID) -> [Charge] {
        charges.values.filter { $0.orderID == order && $0.state == .captured }
    }

    /// Whether goods of an order leave, or could.
    func hasStandingBooking(_ order: UUID) -> Bool {
        bookings.values.contains { booking in
            guard booking.orderID == order else { return false }
            switch booking.state {
            case .booked, .handedOver, .pending: return true
            case .refused, .cancelled: return false
            }
        }
    }

    // MARK: Money

    mutating func take(_ call: ProviderCall, _ payment: Payment, now: Instant) -> ProviderAnswer {
        let key = payment.providerKey
        if case .pending(let until)? = charges[key]?.state, until <= now { charges[key]?.state = .captured }
        switch call {
        case .query: break
        case .charge:
            if charges[key] == nil {
                let state: Charge.State =
                    switch payment.token {
                    case "tok_declined": .declined
                    case "tok_slow": .pending(until: now + .seconds(8))
                    default: .captured
                    }
                charges[key] = Charge(orderID: payment.orderID, amount: payment.amount.amount, state: state)
            }
        case .reverse:
            switch charges[key]?.state {
            case nil: charges[key] = Charge(orderID: payment.orderID, amount: 0, state: .reversed(returned: 0))
            case .pending: charges[key]?.state = .reversed(returned: 0)
            case .captured:
                let returned = charges[key]?.amount ?? 0
                charges[key]?.state = .reversed(returned: returned)
            case .declined, .reversed: break
            }
        }
        let reference = "ch-\(key.low % 10_000)"
        switch charges[key]?.state {
        case nil: return .notFound
        case .pending: return .pending
        case .captured: return .captured(reference: reference)
        case .declined: return .declined
        case .reversed(let returned): return .reversed(reference: reference, returned: returned)
        }
    }

    // MARK: Goods

    mutating func take(_ call: CarrierCall, _ shipment: Shipment, now: Instant) -> CarrierAnswer {
        let key = shipment.id
        if case .pending(let until)? = bookings[key]?.state, until <= now { bookings[key]?.state = .booked }
        switch (call, bookings[key]?.state) {
        case (.book, nil):
            let state: Booking.State =
                switch shipment.shipTo.country {
                case "AQ": .refused
                case "IS": .pending(until: now + .seconds(8))
                default: .booked
                }
            bookings[key] = Booking(orderID: shipment.orderID, state: state)
        case (.cancel, nil): bookings[key] = Booking(orderID: shipment.orderID, state: .cancelled)
        case (.cancel, .booked), (.cancel, .pending): bookings[key]?.state = .cancelled
        case (.cancel, .handedOver(let at)):
            guard now < at + Self.dispatchDelay else { return .tooLate("the goods have left") }
            bookings[key]?.state = .cancelled
        case (.confirm, .booked): bookings[key]?.state = .handedOver(at: now)
        case (.confirm, .cancelled), (.confirm, .refused), (.confirm, .pending): return .tooLate("there is no booking")
        case (.book, .cancelled): return .tooLate("it was called off")
        default: break
        }
        let reference = "bk-\(key.low % 10_000)"
        switch bookings[key]?.state {
        case nil: return .notFound
        case .pending: return .undecided
        case .booked: return .booked(reference: reference)
        case .refused: return .refused
        case .cancelled: return .cancelled
        case .handedOver(let at):
            if now >= at + Self.deliveryDelay { return .delivered(reference: reference) }
            return now >= at + Self.dispatchDelay ? .dispatched(reference: reference) : .booked(reference: reference)
        }
    }
}

/// A provider as the domain sees it: one that answers within the transaction, with the rules of the builtin one, or one
/// that has to be called.
struct SimulatedProvider: PaymentProvider {
    let isBuiltin: Bool

    func immediateAnswer(to call: ProviderCall, for payment: Payment) -> ProviderAnswer? {
        guard isBuiltin else { return nil }
        switch call {
        case .query: return .notFound
        case .reverse: return .reversed(reference: "builtin", returned: payment.captured)
        case .charge: return payment.token == "tok_declined" ? .declined : .captured(reference: "builtin")
        }
    }

    func perform(_ call: ProviderCall, for payment: Payment) async throws(CancellationError) -> ProviderAnswer {
        preconditionFailure("a world makes its calls by events")
    }
}

/// A carrier as the domain sees it, in the same two ways.
struct SimulatedCarrier: Carrier {
    let isBuiltin: Bool

    func immediateAnswer(to call: CarrierCall, for shipment: Shipment) -> CarrierAnswer? {
        guard isBuiltin else { return nil }
        let age = shipment.age.wholeNanoseconds / 1000
        switch call {
        case .book: return shipment.shipTo.country == "AQ" ? .refused : .booked(reference: "builtin")
        case .query: return .notFound
        case .cancel: return .cancelled
        case .confirm: return .booked(reference: "builtin")
        case .track:
            if shipment.status == .dispatched {
                return age >= Outside.deliveryDelay
                    ? .delivered(reference: "builtin") : .dispatched(reference: "builtin")
            }
            return age >= Outside.dispatchDelay ? .dispatched(reference: "builtin") : .booked(reference: "builtin")
        }
    }

    func perform(_ call: CarrierCall, for shipment: Shipment) async throws(CancellationError) -> CarrierAnswer {
        preconditionFailure("a world makes its calls by events")
    }

    func trackingDelay(of shipment: Shipment) -> Duration? {
        guard isBuiltin else { return .seconds(3) }
        let delay = shipment.status == .booked ? Outside.dispatchDelay : Outside.deliveryDelay
        return max(.zero, .microseconds(delay) - shipment.age)
    }
}

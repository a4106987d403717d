import Contracts

/// The services of the suite, as a world numbers them.
package enum SimulatedService: Int, CaseIterable, Sendable {
    case order, inventory, payment, shipping

    var label: String {
        switch self {
        case .order: "order"
        case .inventory: "inventory"
        case .payment: "payment"
        case .shipping: "shipping"
        }
    }
}

/// A time during which something is wrong.
struct Window: Sendable, Hashable {
    var from: Instant
    var until: Instant

    func contains(_ now: Instant) -> Bool { from <= now && now < until }
}

/// One thing that goes wrong in a world. A world's faults are a list, so that a failing one can be told with as few as
/// will do.
struct Fault: Sendable, Hashable {
    /// What a broker does to messages that it has acknowledged, or is about to.
    enum Mishap: String, Sendable, Hashable, CaseIterable {
        /// Acknowledged and lost.
        case lost
        /// There twice.
        case repeated
        /// There later than what was sent after it.
        case delayed
        /// There, but not acknowledged.
        case unacknowledged
        /// Refused.
        case refused
    }

    /// What becomes of a call to a payment provider or a carrier.
    enum CallMishap: String, Sendable, Hashable, CaseIterable {
        /// It never gets there, and nobody knows.
        case requestLost = "request-lost"
        /// It is done, and nobody knows.
        case answerLost = "answer-lost"
        /// It is done after the caller has given up.
        case late
        /// Refused without effect.
        case refused
    }

    enum Kind: Sendable, Hashable {
        /// The replica dies at its `step`th durable step, just before or just after it, and is back after `down`.
        case crash(replica: Int, step: Int, down: Int64)
        /// The replica does nothing for so long, and then goes on as if nothing had been.
        case pause(replica: Int, Window)
        /// The replica's wall clock is wrong by so much.
        case clockSkew(replica: Int, Int64)
        /// The database's clock is wrong by so much.
        case databaseSkew(SimulatedService, Int64)
        /// The session that says that the replica lives is gone for a time, though it lives.
        case proofOfLifeLost(replica: Int, Window)
        /// Transactions fail, or end without saying how, at these rates.
        case databaseTrouble(SimulatedService, failed: Double, unknown: Double, Window)
        case databaseAway(SimulatedService, Window)
        case brokerAway(Window, forgets: Bool)
        case brokerMishap(Mishap, rate: Double, Window)
        /// A consumer group is assigned anew.
        case rebalance(SimulatedService, at: Instant)
        case providerMishap(CallMishap, rate: Double, Window)
        case carrierMishap(CallMishap, rate: Double, Window)
        case providerAway(Window)
        case carrierAway(Window)
        /// Messages to this service cannot be handled, at this rate, for as long.
        case poison(SimulatedService, rate: Double, Window)
        /// There is nothing left to pay for sending commands again, at this rate.
        case emptyBudget(rate: Double, Window)
        /// Requests to order-service or their answers are lost.
        case requestsLost(rate: Double, Window)
    }

    var kind: Kind
}

extension Fault: CustomStringConvertible {
    var description: String {
        func span(_ window: Window) -> String { "from \(window.from.asSeconds) to \(window.until.asSeconds) s" }
        func percent(_ rate: Double) -> String { "\(Int((rate * 100).rounded())) %" }
        switch kind {
        case .crash(let replica, let step, let down):
            return "\(Replica.name(replica)) dies at its durable step \(step), for \(down.asSeconds) s"
        case .pause(let replica, let window): return "\(Replica.name(replica)) sleeps \(span(window))"
        case .clockSkew(let replica, let skew):
            return "\(Replica.name(replica))'s clock is off by \(skew / 1_000_000) s"
        case .databaseSkew(let service, let skew):
            return "the clock of \(service.label)'s database is off by \(skew / 1_000_000) s"
        case .proofOfLifeLost(let replica, let window):
            return "\(Replica.name(replica)) seems dead to others \(span(window))"
        case .databaseTrouble(let service, let failed, let unknown, let window):
            return "\(service.label)'s transactions fail (\(percent(failed))) or end unknown (\(percent(unknown))) "
                + span(window)
        case .databaseAway(let service, let window): return "\(service.label)'s database is away \(span(window))"
        case .brokerAway(let window, let forgets):
            return "the broker is away \(span(window))" + (forgets ? " and forgets everything" : "")
        case .brokerMishap(let mishap, let rate, let window):
            return "messages are \(mishap.rawValue) (\(percent(rate))) \(span(window))"
        case .rebalance(let service, let at): return "\(service.label)'s consumers rebalance at \(at.asSeconds) s"
        case .providerMishap(let mishap, let rate, let window):
            return "the provider's calls: \(mishap.rawValue) (\(percent(rate))) \(span(window))"
        case .carrierMishap(let mishap, let rate, let window):
            return "the carrier's calls: \(mishap.rawValue) (\(percent(rate))) \(span(window))"
        case .providerAway(let window): return "the provider is away \(span(window))"
        case .carrierAway(let window): return "the carrier is away \(span(window))"
        case .poison(let service, let rate, let window):
            return "messages that \(service.label) cannot handle (\(percent(rate))) \(span(window))"
        case .emptyBudget(let rate, let window): return "the retry budgets are empty (\(percent(rate))) \(span(window))"
        case .requestsLost(let rate, let window):
            return "customers' requests or their answers are lost (\(percent(rate))) \(span(window))"
        }
    }
}

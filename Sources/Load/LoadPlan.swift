/// What load is put on, for how long and of what.
package struct LoadPlan: Sendable, Equatable {
    /// How orders are sent.
    package enum Pace: Sendable, Equatable {
        /// This many a second, whatever becomes of them; a late answer does not hold the next order up.
        case open(perSecond: Double)
        /// By this many clients, each of which places its next order when the last one has its outcome.
        case closed(clients: Int)
    }

    /// The order-service replicas; orders go to them in turn.
    package var orders = ["http://127.0.0.1:8080"]
    package var inventory = "http://127.0.0.1:8082"
    package var pace = Pace.open(perSecond: 50)
    package var duration = Duration.seconds(30)
    /// An open loop's rate grows to its full height over this time.
    package var ramp = Duration.zero
    /// What comes before is not in the figures.
    package var warmUp = Duration.seconds(3)
    package var mix = OrderMix()
    /// No more orders than this, however much time is left; nil means that only time ends the load.
    package var count: Int?
    /// The share of accepted orders that are sent once more with the same key, as a client does that missed the answer.
    package var repeatShare = 0.0
    /// How long orders may take to their outcome after the last one was placed.
    package var patience = Duration.seconds(60)
    package var seed: UInt64 = 1
    /// Sent with every request, for stacks with `AUTH=jwt`.
    package var token: String?
    package var jsonFile: String?
    package var plotFile: String?

    package init() {}

    /// The rate of an open loop at a moment after its start.
    package func rate(at elapsed: Duration) -> Double {
        guard case .open(let full) = pace else { return 0 }
        guard ramp > .zero, elapsed < ramp else { return full }
        return full * (elapsed / ramp)
    }

    /// When the order with this number (from 0) is to be sent, after the start.
    package func moment(of number: Int) -> Duration {
        guard case .open(let full) = pace else { return .zero }
        // The ramp is a triangle: n orders are due when half of rate × time² / ramp has reached n.
        let inRamp = full * (ramp / .seconds(1)) / 2
        let count = Double(number)
        if count < inRamp {
            return ramp * (count / inRamp).squareRoot()
        }
        return ramp + .seconds((count - inRamp) / full)
    }
}

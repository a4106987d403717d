import Invariants

/// The orders that are placed while the faults are made.
package struct LoadSettings: Sendable, Equatable {
    /// Orders a second, placed when their time has come whether or not earlier ones have been answered.
    package var rate = 10.0
    /// Load before the first fault, for the steady state to be measured.
    package var baseline = Duration.seconds(8)
    /// Load after the last heal, for the recovery to be measured.
    package var after = Duration.seconds(10)
    /// How long a client waits for its answer.
    package var timeout = Duration.seconds(5)
    /// Weights of what the orders ask for.
    package var mix: [Operation.Intent: Int] = [
        .ok: 76, .declined: 8, .outOfStock: 4, .carrierRefuses: 5, .slow: 3, .flaky: 4,
    ]
    /// The share of orders whose request is sent twice at the same time, to two replicas where there are two.
    package var repeats = 0.1
    /// The share of orders that are cancelled a moment later.
    package var cancellations = 0.05
    /// The share of orders that want the hot item, for whose row they all queue.
    package var hotShare = 0.3
    /// How often an accepted order is read again by its customer.
    package var reads = 2

    package init() {}
}

extension LoadSettings {
    init(_ fields: FieldReader) {
        self.init()
        rate = fields.number("rate", in: 0.1...2000, or: rate)
        baseline = fields.duration("baseline", or: baseline)
        after = fields.duration("after", or: after)
        timeout = fields.duration("timeout", or: timeout)
        if let weights = fields.mapping("mix") {
            mix = [:]
            for intent in Operation.Intent.allCases {
                let weight = weights.integer(intent.rawValue, in: 0...1000, or: 0)
                if weight > 0 { mix[intent] = weight }
            }
            weights.finish()
            if mix.isEmpty { fields.refuse("needs a weight above 0", at: "mix") }
        }
        repeats = fields.number("repeats", in: 0...1, or: repeats)
        cancellations = fields.number("cancellations", in: 0...1, or: cancellations)
        hotShare = fields.number("hotShare", in: 0...1, or: hotShare)
        reads = fields.integer("reads", in: 0...20, or: reads)
        fields.finish()
    }
}

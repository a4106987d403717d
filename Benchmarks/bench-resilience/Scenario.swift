/// One guarded call whose price is watched, made by one thread and by two at once on one shared instance.
struct Scenario: Sendable {
    let name: String
    /// The most nanoseconds a call may take on a quiet machine, with one thread and with two; nil where none is set.
    var target: Int?
    var targetOfTwo: Int?
    /// The most heap allocations a call may make; exact on any machine.
    var allocations = 0.0
    /// What the same costs elsewhere, measured on such a machine.
    var reference = ""
    /// Makes so many calls, in the task and on the thread it is called on as long as nothing suspends.
    let run: @Sendable (Int) async -> Void

    init(
        _ name: String, target: Int? = nil, ofTwo targetOfTwo: Int? = nil, allocations: Double = 0,
        reference: String = "", run: @escaping @Sendable (Int) async -> Void
    ) {
        self.name = name
        self.target = target
        self.targetOfTwo = targetOfTwo
        self.allocations = allocations
        self.reference = reference
        self.run = run
    }
}

/// Keeps the optimiser from dropping what computes `value`.
@inline(never)
@_optimize(none)
func consume<Value>(_ value: borrowing Value) {}

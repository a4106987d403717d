/// What one run of a scenario came to. Costs are an order's.
struct Measurement: Sendable, Equatable {
    struct Latency: Sendable, Equatable {
        var p50 = 0.0, p90 = 0.0, p99 = 0.0, p999 = 0.0, max = 0.0
    }

    var kind: ScenarioKind
    var round: Int
    var seconds = 0.0
    /// What came to its outcome, or for the limit what went through all steps.
    var orders = 0
    /// Orders a second that were accepted, and that came to their outcome, while the load ran.
    var acceptedPerSecond = 0.0
    var perSecond = 0.0
    /// What an open loop was to place in a second.
    var offeredPerSecond: Double?
    var refused = 0
    /// Milliseconds, from when an order was to be placed.
    var answered = Latency()
    var final = Latency()
    /// Milliseconds of processor time an order; for ``ScenarioKind/idle`` shares of a processor.
    var time = ProcessorTime()
    var commits = 0.0
    var statements: Double?
    var messages: Double?
    var logBytes = 0.0
    /// Resident bytes of each service at the end.
    var resident: [String: Int64] = [:]
    /// Seconds from a service's start to its readiness.
    var starts: [String: Double] = [:]
    /// The statements that took most.
    var statementUses: [StatementUse] = []
}

import Invariants

/// Finds a smaller plan that breaks the same promise: leaves out faults and orders as long as it does (delta debugging,
/// Zeller and Hildebrandt 2002).
struct Shrinking {
    let promise: Violation.Promise
    /// Worlds that may be run for it.
    private static let limit = 600

    func smallest(_ plan: Plan) -> Plan {
        var plan = plan
        var runs = 0
        func isStillBroken(_ candidate: Plan) -> Bool {
            runs += 1
            let world = World(candidate)
            world.run()
            return world.violation?.promise == promise
        }
        var isSmaller = true
        while isSmaller, runs < Self.limit {
            isSmaller = false
            for part in [\Plan.faultParts, \Plan.orderParts] {
                var size = max(1, plan[keyPath: part].count / 2)
                while size >= 1, runs < Self.limit {
                    var start = 0
                    while start < plan[keyPath: part].count, runs < Self.limit {
                        var candidate = plan
                        let end = min(start + size, plan[keyPath: part].count)
                        candidate[keyPath: part].removeSubrange(start..<end)
                        if isStillBroken(candidate) {
                            plan = candidate
                            isSmaller = true
                        } else {
                            start = end
                        }
                    }
                    size /= 2
                }
            }
        }
        return plan
    }
}

extension Plan {
    /// What can be left out of a plan, one by one.
    enum Part: Sendable {
        case fault(Fault)
        case order(OrderPlan)
    }

    fileprivate var faultParts: [Part] {
        get { faults.map { .fault($0) } }
        set { faults = newValue.compactMap { if case .fault(let fault) = $0 { fault } else { nil } } }
    }

    fileprivate var orderParts: [Part] {
        get { orders.map { .order($0) } }
        set { orders = newValue.compactMap { if case .order(let order) = $0 { order } else { nil } } }
    }
}

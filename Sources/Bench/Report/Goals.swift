/// What a figure should be, and what it is.
struct Goal: Sendable, Equatable {
    enum Bound: Sendable, Equatable {
        case atLeast(Double)
        case atMost(Double)
        /// Stated, not judged.
        case none
    }

    var what: String
    var bound: Bound
    var unit: String
    var found: Statistic?

    /// nil when there is nothing to judge.
    var isMet: Bool? {
        guard let found else { return nil }
        switch bound {
        case .atLeast(let least): return found.median >= least
        case .atMost(let most): return found.median <= most
        case .none: return nil
        }
    }

    var target: String {
        switch bound {
        case .atLeast(let least): "≥ \(Figures.short(least))\(unit)"
        case .atMost(let most): "≤ \(Figures.short(most))\(unit)"
        case .none: ""
        }
    }
}

extension Results {
    /// The targets of the suite against what was measured; what was not measured is left out.
    var goals: [Goal] {
        let share = broker == "kafka" ? 0.35 : 0.5
        // The budgets are of a machine on which the limit's own Postgres takes 0.3 ms an order.
        let pace = (statistic(.limit) { $0.time.postgres }?.median ?? 0.3) / 0.3
        let megabyte = 1_048_576.0
        let all: [Goal] = [
            Goal(
                what: "saturated: final orders/s over the limit's", bound: .atLeast(share), unit: "",
                found: ratio(.saturation, \.perSecond, over: .limit, \.perSecond)),
            Goal(
                what: "saturated: CPU an order, services + Postgres + broker", bound: .atMost(1.0 * pace), unit: " ms",
                found: statistic(.saturation) { $0.time.suite }),
            Goal(
                what: "saturated: CPU an order, the four services", bound: .atMost(0.4), unit: " ms",
                found: statistic(.saturation) { $0.time.services }),
            Goal(
                what: "a quarter: CPU an order over that saturated", bound: .atMost(2), unit: "",
                found: ratio(.quarter, { $0.time.suite }, over: .saturation, { $0.time.suite })),
            Goal(
                what: "idle: the services' share of a processor", bound: .atMost(2), unit: " %",
                found: statistic(.idle) { $0.time.services * 100 }),
            Goal(
                what: "overload: accepted over final", bound: .atMost(1.1), unit: "",
                found: statistic(.overload) { $0.perSecond > 0 ? $0.acceptedPerSecond / $0.perSecond : nil }),
            Goal(
                what: "a quarter: placed → final, p50", bound: .atMost(20), unit: " ms",
                found: statistic(.quarter) { $0.final.p50 }),
            Goal(
                what: "a quarter: placed → final, p99", bound: .atMost(80), unit: " ms",
                found: statistic(.quarter) { $0.final.p99 }),
            Goal(
                what: "a quarter: answered, p50", bound: .atMost(5), unit: " ms",
                found: statistic(.quarter) { $0.answered.p50 }),
            Goal(
                what: "a quarter: answered, p99", bound: .atMost(25), unit: " ms",
                found: statistic(.quarter) { $0.answered.p99 }),
            Goal(
                what: "10 a second: placed → final, p50", bound: .atMost(15), unit: " ms",
                found: statistic(.ten) { $0.final.p50 }),
            Goal(
                what: "10 a second: placed → final, p99", bound: .atMost(40), unit: " ms",
                found: statistic(.ten) { $0.final.p99 }),
            Goal(
                what: "saturated: commits an order", bound: .atMost(0.6), unit: "",
                found: statistic(.saturation, \.commits)),
            Goal(
                what: "saturated: statements an order", bound: .none, unit: "",
                found: statistic(.saturation, \.statements)),
            Goal(
                what: "saturated: messages an order", bound: .atMost(12), unit: "",
                found: statistic(.saturation, \.messages)),
            Goal(
                what: "saturated: log of Postgres an order", bound: .atMost(9000), unit: " B",
                found: statistic(.saturation, \.logBytes)),
            Goal(
                what: "one hot item: final orders/s over spread ones", bound: .atLeast(0.6), unit: "",
                found: ratio(.hot, \.perSecond, over: .saturation, \.perSecond)),
            Goal(
                what: "two replicas: final orders/s over one's", bound: .atLeast(1), unit: "",
                found: ratio(.replicas, \.perSecond, over: .saturation, \.perSecond)),
            Goal(
                what: "start to ready, the slowest service", bound: .atMost(0.5), unit: " s",
                found: statistic(.start) { $0.starts.values.max() }),
            Goal(
                what: "memory after the start, the largest service", bound: .atMost(40), unit: " MB",
                found: Statistic(residentAtStart.values.max().map { [Double($0) / megabyte] } ?? [])),
            Goal(
                what: "memory at the end, the largest service", bound: .atMost(100), unit: " MB",
                found: Statistic(
                    measurements.last { !$0.resident.isEmpty }?.resident.values.max().map { [Double($0) / megabyte] }
                        ?? [])),
        ]
        return all.filter { $0.found != nil }
    }
}

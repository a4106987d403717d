/// The figures of one scenario with so many threads.
struct Survey {
    private(set) var rounds: [Crew.Round] = []

    mutating func add(_ round: Crew.Round) { rounds.append(round) }

    /// How many rounds had the processors to themselves.
    var quiet: Int { rounds.count { $0.isQuiet } }

    /// Rounds that were disturbed count only where there are no others.
    private var times: [Double] {
        (quiet > 0 ? rounds.filter(\.isQuiet) : rounds).map(\.nanoseconds).sorted()
    }

    var median: Double { quantile(0.5) }

    /// From the first quartile to the third.
    var spread: (Double, Double) { (quantile(0.25), quantile(0.75)) }

    /// The median over all rounds, of which none is disturbed in this.
    var allocations: Double {
        let all = rounds.map(\.allocations).sorted()
        return all[all.count / 2]
    }

    private func quantile(_ share: Double) -> Double {
        let times = times
        return times[min(times.count - 1, Int(Double(times.count) * share))]
    }
}

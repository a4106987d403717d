/// All rounds of a bench.
struct Results: Sendable, Equatable {
    var broker = ""
    var clients = 0
    var measurements: [Measurement] = []
    /// Resident bytes of each service after the start, before any order.
    var residentAtStart: [String: Int64] = [:]

    func of(_ kind: ScenarioKind) -> [Measurement] { measurements.filter { $0.kind == kind } }

    /// Median and spread of a figure over the rounds; nil when the scenario was not run or has no such figure.
    func statistic(_ kind: ScenarioKind, _ figure: (Measurement) -> Double?) -> Statistic? {
        Statistic(of(kind).compactMap(figure))
    }

    /// The median over rounds of a figure of one scenario over a figure of another in the same round.
    func ratio(
        _ kind: ScenarioKind, _ figure: (Measurement) -> Double?, over other: ScenarioKind,
        _ otherFigure: (Measurement) -> Double?
    ) -> Statistic? {
        Statistic(
            of(kind).compactMap { measurement in
                guard let above = figure(measurement),
                    let below = of(other).first(where: { $0.round == measurement.round }).flatMap(otherFigure),
                    below > 0
                else { return nil }
                return above / below
            })
    }
}

/// A median with its spread.
struct Statistic: Sendable, Equatable {
    var median: Double
    var lowest: Double
    var highest: Double
    var count: Int

    init?(_ values: [Double]) {
        guard let median = Figures.median(values), let lowest = values.min(), let highest = values.max() else {
            return nil
        }
        (self.median, self.lowest, self.highest, count) = (median, lowest, highest, values.count)
    }

    /// The median, and the spread where there is one.
    var text: String {
        Figures.short(median)
            + (count > 1 ? " (\(Figures.short(lowest))–\(Figures.short(highest)))" : "")
    }
}

import Clocks
import HTTPClient
import HTTPCodec
import Load
import LocalStack

/// Runs one scenario on a stack that is at rest, and checks every promise behind it.
struct ScenarioRunner: Sendable {
    let stack: BenchStack
    let options: BenchOptions
    let meter: Meter
    let books: Books
    let limit: Limit
    let console: Console
    let time: any TimeSource

    /// - Parameter saturated: orders a second of the saturated stack, for scenarios at a share of that.
    func run(_ kind: ScenarioKind, round: Int, saturated: Double?) async throws -> Measurement {
        let seconds = kind.seconds(isQuick: options.isQuick)
        var measurement = Measurement(kind: kind, round: round)
        switch kind {
        case .limit: try await runLimit(seconds, into: &measurement)
        case .idle: try await runIdle(seconds, into: &measurement)
        case .start: measurement.starts = try await ColdStart(stack: stack, options: options, time: time).run()
        case .saturation, .replicas:
            try await runLoad(plan(.closed(clients: options.clients), seconds), into: &measurement)
        case .hot:
            var plan = plan(.closed(clients: options.clients), seconds)
            plan.mix.hotShare = 1
            try await runLoad(plan, into: &measurement)
        case .quarter:
            try await runLoad(plan(.open(perSecond: max(1, (saturated ?? 400) / 4)), seconds), into: &measurement)
        case .ten: try await runLoad(plan(.open(perSecond: 10), seconds), into: &measurement)
        case .overload:
            try await runLoad(plan(.open(perSecond: max(1, (saturated ?? 400) * 2)), seconds), into: &measurement)
        }
        return measurement
    }

    /// A number of orders by so many clients, for what they cost; how long they take does not matter.
    func count(_ shape: CostFigures.Shape) async throws -> Measurement {
        var plan = plan(.closed(clients: shape.clients), 300)
        plan.count = shape.orders
        plan.warmUp = .zero
        var measurement = Measurement(kind: .saturation, round: 1)
        try await runLoad(plan, into: &measurement)
        return measurement
    }

    /// Closed loop without figures, until caches, prepared statements and pools are there.
    func warmUp() async throws {
        var plan = plan(.closed(clients: options.clients), ScenarioKind.warmUpSeconds)
        plan.warmUp = .milliseconds(100)
        let stocking = LoadRun(plan, time: time, name: name) { _ in }
        try await stocking.stock()
        _ = try await LoadRun(plan, time: time, name: name) { _ in }.placeOnly()
        _ = try await books.atRest()
    }

    private func plan(_ pace: LoadPlan.Pace, _ seconds: Int) -> LoadPlan {
        var plan = LoadPlan()
        plan.orders = stack.urls(.order)
        plan.inventory = stack.url(.inventory)
        plan.pace = pace
        plan.duration = .seconds(seconds)
        plan.warmUp = .seconds(1)
        plan.mix.items = 1000
        return plan
    }

    private var name: String { "bench-\(time.wallNow.microseconds)" }

    private func runLoad(_ plan: LoadPlan, into measurement: inout Measurement) async throws {
        let isCounted = meter.countsStatements
        let booked = try await books.atRest().orders.values.reduce(0, +)
        if isCounted { try await stack.store.resetStatements() }
        let run = LoadRun(plan, time: time, name: name) { _ in }
        let before = try await meter.begin(countsMessages: true)
        let report = try await run.placeOnly()
        try Task.checkCancellation()
        try await meter.end(before, into: &measurement)
        if isCounted { measurement.statementUses = try await stack.store.statements() }
        guard report.isComplete else {
            throw BenchError(
                "\(report.accepted - report.final) accepted orders did not come to their outcome in a minute")
        }
        guard report.final > 0 else { throw BenchError("no order came to its outcome; answers were \(report.answers)") }
        let audits = try await books.atRest()
        let more = audits.orders.values.reduce(0, +) - booked
        // An order whose answer was lost may have been taken all the same.
        let lost = report.answers.filter { Int($0.key) == nil }.values.reduce(0, +)
        guard (report.accepted...report.accepted + lost).contains(Int(more)) else {
            throw BenchError("\(report.accepted) orders were accepted, and the books have \(more) more than before")
        }
        measurement.orders = report.final
        measurement.acceptedPerSecond = report.acceptedPerSecond
        measurement.perSecond = report.finalPerSecond
        if case .open(let rate) = plan.pace { measurement.offeredPerSecond = rate }
        measurement.refused = report.answers.filter { $0.key != "202" }.values.reduce(0, +)
        measurement.answered = .init(report.answerLatency)
        measurement.final = .init(report.finalLatency)
        measurement.divide()
    }

    private func runLimit(_ seconds: Int, into measurement: inout Measurement) async throws {
        try await limit.empty()
        _ = try await limit.run(seconds: 1)
        let before = try await meter.begin()
        let found = try await limit.run(seconds: seconds)
        try await meter.end(before, into: &measurement)
        measurement.orders = found.batches * Limit.batch
        measurement.perSecond = found.perSecond * Double(Limit.batch)
        measurement.acceptedPerSecond = measurement.perSecond
        measurement.statements = nil
        measurement.divide()
    }

    private func runIdle(_ seconds: Int, into measurement: inout Measurement) async throws {
        // What follows the last scenario's orders is over by then.
        try await time.sleep(for: .seconds(1))
        let before = try await meter.begin()
        try await time.sleep(for: .seconds(seconds))
        try await meter.end(before, into: &measurement)
        measurement.time = measurement.time / (measurement.seconds * 1000)
    }
}

extension Measurement.Latency {
    init(_ histogram: LatencyHistogram) {
        func value(_ share: Double) -> Double { histogram.quantile(share) / .milliseconds(1) }
        self.init(
            p50: value(0.5), p90: value(0.9), p99: value(0.99), p999: value(0.999),
            max: Double(histogram.maximum) / 1000)
    }
}

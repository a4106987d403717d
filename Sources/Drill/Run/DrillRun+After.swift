import Clocks
import HTTPClient
import Invariants
import LocalStack

extension DrillRun {
    /// Goes on with the load until all are ready, and then for as long as the experiment says.
    func recover(healedAt: Int64, into result: inout DrillResult) async {
        let limits = experiment.recovery
        var recovery = result.observation.recovery
        recovery.readyLimit = limits.service.inSeconds
        recovery.restLimit = limits.final.inSeconds
        var unready: [String] = []
        let isReady = await Deadlines.wait(upTo: limits.service + .seconds(15), every: .milliseconds(100), time: time) {
            unready = await client.unready()
            return unready.isEmpty
        }
        let readyAt = history.now
        if isReady {
            recovery.readySeconds = Double(readyAt - healedAt) / 1e9
            terminal.phase("recovery", "every service is ready \(Self.text(readyAt - healedAt)) after the last heal")
        } else if !Task.isCancelled {
            recovery.outstanding += unready
            terminal.phase("recovery", unready.first ?? "not every service is ready", .bad)
        }
        result.observation.recovery = recovery
        await live(for: experiment.load.after, "recovery")
        result.phases.append(.init(name: "recovery", from: healedAt, to: history.now))
    }

    /// After the load's end: clears up what is in doubt, and waits until nothing is under way.
    func comeToRest(_ orders: [LoadPlan.Order], into result: inout DrillResult) async {
        let began = history.now
        let limit = experiment.recovery.final
        let open = await load.settle(orders, within: limit)
        let settled = history.operations.count { $0.kind == .settle && $0.outcome == .ok }
        var outstanding: [String] = open.isEmpty ? [] : ["nothing could be learnt about \(open.count) orders"]
        var last: Audits?
        let isAtRest = await Deadlines.wait(
            upTo: limit + .seconds(30), every: .milliseconds(200), time: time
        ) {
            last = await client.audits()
            guard let last, last.isAtRest, last.outstanding.isEmpty else { return false }
            return (sampler.last?.lag ?? 0) == 0
        }
        let restAt = history.now
        if isAtRest {
            result.observation.recovery.restSeconds = Double(restAt - began) / 1e9
        } else {
            outstanding += last?.outstanding ?? ["the books could not be read"]
            if let lag = sampler.last?.lag, lag > 0 { outstanding.append("consumers are \(Int(lag)) messages behind") }
        }
        result.observation.recovery.outstanding += outstanding
        if let last { result.observation.audits = last }
        result.phases.append(.init(name: "rest", from: began, to: restAt))
        terminal.phase(
            "rest",
            isAtRest
                ? "all at rest \(Self.text(restAt - began)) after the load; \(settled) orders in doubt settled by asking again"
                : outstanding.joined(separator: "; "), isAtRest ? .good : .bad)
    }

    /// Measures what belongs to the rest, each probe until it holds or twice the time of coming to rest is over.
    func measureAtRest(into result: inout DrillResult) async {
        let probes = ProbeRunner(client: client, history: history, random: worker.random)
        for probe in experiment.steadyState where probe.when == .rest {
            var measured = await probes.measure(probe)
            _ = await Deadlines.wait(upTo: experiment.recovery.final * 2, every: .milliseconds(500), time: time) {
                if !measured.holds { measured = await probes.measure(probe) }
                return measured.holds
            }
            result.after.append(measured)
        }
    }

    /// Reads everything there is about the run's orders.
    func observe(_ orders: [LoadPlan.Order], into result: inout DrillResult) async {
        let began = history.now
        terminal.live("reading all orders, payments and shipments")
        let reader = FinalReader(client: client, prefix: load.plan.prefix, since: result.startedAt)
        var observation = result.observation
        observation.operations = history.operations
        await reader.read(into: &observation)
        observation.snapshots = state.withLock { $0.snapshots }
        observation.stocked = Dictionary(load.plan.items.map { ($0.sku, Int64($0.quantity)) }) { $1 }
        observation.allowedDeadLetters = experiment.allow.deadLetters
        // Parcels still move after the last order has its outcome, each with a message that is in an outbox for a moment.
        var audits = await client.audits(within: .seconds(10))
        _ = await Deadlines.wait(upTo: .seconds(10), every: .milliseconds(100), time: time) {
            if audits?.isAtRest != true { audits = await client.audits() }
            return audits?.isAtRest ?? false
        }
        if let audits { observation.audits = audits }
        result.observation = observation
        result.phases.append(.init(name: "reads", from: began, to: history.now))
        terminal.phase(
            "reads",
            "\(observation.orders.count) orders, \(observation.payments.count) payments, "
                + "\(observation.shipments.count) shipments, \(observation.snapshots.count) snapshots of the books")
    }

    /// What those who used the service saw, and what became of the processes.
    func serviceLevel(
        _ before: [DrillTarget: (Int32, Observation.Resources)], healedAt: Int64, into result: inout DrillResult
    ) {
        var level = result.observation.service
        level.errorBudget = experiment.allow.errors
        level.p99Factor = experiment.allow.slower
        level.p99Floor = experiment.allow.slowerFloor.inSeconds
        let faults = state.withLock { $0.faults }
        let grace = experiment.recovery.service.wholeNanoseconds
        let timeout = experiment.load.timeout.wholeNanoseconds
        let troubled = faults.compactMap { fault in
            fault.injectedAt.map { ($0 - timeout)...((fault.healedAt ?? healedAt) + grace) }
        }
        let placed = history.operations.filter { $0.kind == .place }
        let calm = placed.filter { operation in !troubled.contains { $0.contains(operation.invokedAt) } }
        level.calmRequests = calm.count
        level.calmErrors = calm.count { $0.outcome != .ok }
        let first = faults.compactMap(\.injectedAt).min() ?? healedAt
        level.p99Before = Self.p99(placed.filter { $0.invokedAt > 2_000_000_000 && $0.completedAt < first })
        // The second half of the time afterwards: the first is for coming back.
        let ready = healedAt + Int64((result.observation.recovery.readySeconds ?? 0) * 1e9)
        let after = ready + experiment.load.after.wholeNanoseconds / 2
        level.p99After = Self.p99(placed.filter { $0.invokedAt > after })
        level.restarts = sampler.restarts
        for fault in faults { level.expectedRestarts.merge(fault.expectedRestarts) { $0 + $1 } }
        for (target, (pid, use)) in before where sampler.last?.running[target] == pid {
            if let now = ProcessUse.resources(of: pid) { level.resources[target.description] = (use, now) }
        }
        result.observation.service = level
    }

    private static func p99(_ operations: [Operation]) -> Double? {
        guard operations.count >= 30 else { return nil }
        return Percentiles.of(operations.map { $0.completedAt - $0.invokedAt }, 99).map { Double($0) / 1e9 }
    }

    static func text(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

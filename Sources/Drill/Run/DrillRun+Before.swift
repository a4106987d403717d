import Clocks
import HTTPClient
import Invariants
import LocalStack

/// A fault with the processes it will act on.
struct PlannedFault: Sendable {
    var scheduled: ScheduledFault
    var targets: [DrillTarget]
}

extension DrillRun {
    /// Chooses the targets and asks whether all that is needed is there, before anything is touched.
    ///
    /// - Throws: when a selector finds nothing, or the stack lacks something. A drill without a target is no pass.
    func resolve() async throws(DrillError) -> [PlannedFault] {
        let orphans = FaultMemory.leftovers(in: folder.leftovers)
        guard orphans.isEmpty else {
            throw DrillError("\(orphans.count) faults of an earlier drill are still there: run holdfast drill heal")
        }
        let running = try client.view.running()
        try checkNeeds(running)
        if try !client.view.read().containers.isEmpty, let obstacle = experiment.obstacleInContainers {
            throw DrillError(obstacle + ": run this drill on processes, with --up")
        }
        let draws = SeededRandom(seed: setup.seed &+ 2)
        var planned: [PlannedFault] = []
        for scheduled in experiment.method.schedule(SeededRandom(seed: setup.seed &+ 3)) {
            var targets: [DrillTarget] = []
            for selector in scheduled.template.fault.targets {
                let found = selector.resolve(among: running, random: draws)
                guard !found.isEmpty else {
                    throw DrillError(
                        "fault \(scheduled.number) (\(scheduled.kind)) is to act on \(selector), and none runs; there are: "
                            + running.map(\.description).joined(separator: ", "))
                }
                targets += found.filter { !targets.contains($0) }
            }
            planned.append(PlannedFault(scheduled: scheduled, targets: targets))
        }
        guard !planned.isEmpty else { throw DrillError("the method has no fault to make: its time is too short") }
        for fault in planned {
            let memory = memory(of: fault)
            if let missing = await fault.scheduled.template.fault.missing(in: worker.context(memory)) {
                throw DrillError("\(fault.scheduled.kind) cannot be made here: \(missing)")
            }
        }
        let names = planned.prefix(6).map { fault in
            ([fault.scheduled.kind] + fault.targets.map(\.description)).joined(separator: " ")
        }
        terminal.phase(
            "targets", names.joined(separator: ", ") + (planned.count > 6 ? " and \(planned.count - 6) more" : ""))
        return planned
    }

    private func checkNeeds(_ running: [DrillTarget]) throws(DrillError) {
        let needs = experiment.stack
        for (service, count) in needs.replicas.sorted(by: { $0.key < $1.key }) {
            let found = running.count { $0.name == service }
            guard found >= count else {
                throw DrillError(
                    "needs \(count) replicas of \(service), and \(found) run: start the stack with --replicas "
                        + "\(service)=\(count) (make compose-up DRILLS=on), or the drill with --up")
            }
        }
        if needs.needsProxy, client.view.proxyControl == nil {
            throw DrillError(
                "needs the fault proxy between the parts: start the stack with --drills (make compose-up DRILLS=on), or the drill with --up"
            )
        }
    }

    func memory(of fault: PlannedFault) -> FaultMemory {
        let end = time.wallNow.advanced(by: fault.scheduled.length)
        return FaultMemory(
            FaultMemory.Header(
                tag: "\(load.plan.prefix)-\(fault.scheduled.number)", kind: fault.scheduled.kind,
                parameters: fault.scheduled.template.parameters, targets: fault.targets, runner: runner.written,
                endsAt: end),
            folder: folder.leftovers)
    }

    /// Puts the run's own items into the catalogue.
    func stockUp() async throws(DrillError) {
        if experiment.stack.providers == "http" {
            guard await client.asksProvider() else {
                throw DrillError(
                    "needs providers over HTTP: start the stack with --providers http, or the drill with --up")
            }
        }
        guard let inventory = client.api("inventory-service") else {
            throw DrillError("inventory-service does not run")
        }
        for item in load.plan.items {
            let url = "\(inventory)/v1/items/\(item.sku)"
            let put = await client.send(
                .put, url, body: #"{"name":"Drill","unitPrice":{"amount":\#(item.price),"currency":"EUR"}}"#)
            let receipt = await client.send(
                .post, url + "/receipts", body: #"{"quantity":\#(item.quantity)}"#,
                fields: [("Idempotency-Key", item.sku)])
            guard put.isOK, receipt.isOK else {
                let answer = put.isOK ? receipt : put
                throw DrillError(
                    "the drill's items could not be stocked: \(answer.status.map { "HTTP \($0) " } ?? "")\(answer.detail)"
                        + (answer.status == 401 ? "; drills need a stack with AUTH=off" : ""))
            }
        }
    }

    /// Load without faults: what is normal here and now, and whether the steady state holds.
    ///
    /// - Returns: what the processes use.
    func baseline(into result: inout DrillResult) async throws(DrillError) -> [DrillTarget: (
        Int32, Observation.Resources
    )] {
        let began = history.now
        await live(for: experiment.load.baseline, "baseline")
        guard !Task.isCancelled else { throw DrillError("interrupted before any fault was made") }
        result.before = await measure(.before)
        result.phases.append(.init(name: "baseline", from: began, to: history.now))
        let placed = history.operations.filter { $0.kind == .place }
        let p99 = Percentiles.of(placed.map { $0.completedAt - $0.invokedAt }, 99) ?? 0
        if let broken = result.before.first(where: { !$0.holds }) {
            terminal.phase("baseline", "\(broken.probe.name): \(broken.value), not \(broken.probe.tolerance)", .bad)
            throw DrillError(
                "the steady state did not hold before any fault: \(broken.probe.name) is \(broken.value), not "
                    + "\(broken.probe.tolerance)")
        }
        terminal.phase(
            "baseline", "\(placed.count) orders, p99 \(p99 / 1_000_000) ms; \(result.before.count) probes hold")
        var resources: [DrillTarget: (Int32, Observation.Resources)] = [:]
        for (target, pid) in sampler.last?.running ?? [:] {
            if let use = ProcessUse.resources(of: pid) { resources[target] = (pid, use) }
        }
        return resources
    }

    func measure(_ when: Probe.When) async -> [Measured] {
        let probes = ProbeRunner(client: client, history: history, random: worker.random)
        var measured: [Measured] = []
        for probe in experiment.steadyState where probe.when == .around || probe.when == when {
            measured.append(await probes.measure(probe))
        }
        return measured
    }
}

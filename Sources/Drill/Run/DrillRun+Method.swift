import Clocks
import HTTPClient
import HTTPCodec
import Invariants
import LocalStack

extension DrillRun {
    /// Makes the faults at their times and heals them; returns when all are healed, or could not be.
    ///
    /// Ends early when the task is cancelled, the stop file appears, too much fails, or a promise is broken in flight.
    func perform(_ faults: [PlannedFault]) async {
        terminal.phase("method", "\(faults.count) fault\(faults.count == 1 ? "" : "s")", .plain)
        let began = time.now
        let method = Task {
            await withDiscardingTaskGroup { group in
                for fault in faults { group.addTask { await self.perform(fault, began: began) } }
            }
        }
        let watching = Task { await watch { method.cancel() } }
        await withTaskCancellationHandler {
            await method.value
        } onCancel: {
            method.cancel()
        }
        watching.cancel()
        await watching.value
    }

    private func perform(_ fault: PlannedFault, began: MonotonicInstant) async {
        guard (try? await time.sleep(until: began.advanced(by: fault.scheduled.at))) != nil else { return }
        let memory = memory(of: fault)
        var record = FaultRecord(
            number: fault.scheduled.number, kind: fault.scheduled.kind, targets: fault.targets,
            parameters: fault.scheduled.template.parameters)
        let label = record.label
        state.withLock { $0.activeFaults.append(label) }
        record.injectedAt = history.now
        keep(record)
        do throws(DrillError) {
            try memory.write()
            record.injection = try await fault.scheduled.template.fault.inject(in: worker.context(memory))
            journal.note(record.injection)
            try? await time.sleep(for: fault.scheduled.length)
        } catch {
            record.failure = error.description
            journal.note("\(label) could not be made: \(error)")
        }
        for (name, value) in memory.facts where name.hasPrefix("restarts ") {
            record.expectedRestarts[String(name.dropFirst(9))] = Int(value)
        }
        do throws(DrillError) {
            record.healing = try await worker.heal(fault.scheduled.template.fault, memory)
            record.healedAt = history.now
            journal.note("\(label) is over: \(record.healing)")
        } catch {
            record.failure = error.description
            journal.note("\(label) could not be healed: \(error)")
        }
        keep(record)
        state.withLock { state in
            if let index = state.activeFaults.firstIndex(of: label) { state.activeFaults.remove(at: index) }
        }
    }

    private func keep(_ record: FaultRecord) {
        state.withLock { state in
            if let index = state.faults.firstIndex(where: { $0.number == record.number }) {
                state.faults[index] = record
            } else {
                state.faults.append(record)
                state.faults.sort { $0.number < $1.number }
            }
        }
    }

    /// Looks twice a second for a reason to end, and shows how it goes.
    private func watch(end: () -> Void) async {
        var failingSince: MonotonicInstant?
        while (try? await time.sleep(for: .milliseconds(500))) != nil {
            showLive(state.withLock { $0.activeFaults.isEmpty ? "quiet" : $0.activeFaults.joined(separator: ", ") })
            var reason: String? = state.withLock { $0.abort }
            if Files.exists(folder.stopFile) { reason = "the stop file \(folder.stopFile) appeared" }
            if let free = folder.freeDisk, free < experiment.abort.freeDisk {
                reason = "only \(Int(free * 100)) % of the disk are free"
            }
            if recentErrorShare() > experiment.abort.errorShare {
                let since = failingSince ?? time.now
                failingSince = since
                if since.duration(to: time.now) >= experiment.abort.errorTime {
                    reason =
                        "over \(Int(experiment.abort.errorShare * 100)) % of the requests failed for "
                        + experiment.abort.errorTime.written
                }
            } else {
                failingSince = nil
            }
            guard let reason else { continue }
            state.withLock { $0.abort = reason }
            journal.note("ending early: \(reason)")
            return end()
        }
    }

    private func recentErrorShare() -> Double {
        let since = history.now - 2_000_000_000
        let recent = history.operations.filter { $0.kind == .place && $0.completedAt >= since }
        guard !recent.isEmpty else { return 0 }
        return Double(recent.count { $0.outcome != .ok }) / Double(recent.count)
    }

    /// Stock and money at any time, every two seconds: a sum that is wrong for a moment is wrong.
    func takeSnapshots() async {
        while (try? await time.sleep(for: .seconds(2))) != nil {
            let at = history.now
            guard let audits = await client.audits() else { continue }
            let broken = audits.violationsAtAnyTime()
            state.withLock { state in
                state.snapshots.append(Observation.Snapshot(at: at, audits: audits))
                guard let first = broken.first, !state.brokeInFlight else { return }
                state.brokeInFlight = true
                state.abort = "a promise was broken in flight: \(first)"
            }
        }
    }

    /// The requests the experiment wants made at the end whatever happened.
    func rollBack() async {
        for rollback in experiment.rollbacks {
            let running = (try? client.view.running()) ?? []
            for target in rollback.target.resolve(among: running, random: worker.random) {
                let base =
                    rollback.isAdmin
                    ? client.admin(target.name, replica: target.replica)
                    : client.api(target.name, replica: target.replica)
                guard let base else { continue }
                let answer = await Task {
                    await client.send(HTTPMethod(rollback.method), base + rollback.path, body: rollback.body)
                }.value
                journal.note("\(rollback.name) at \(target): " + (answer.status.map { "HTTP \($0)" } ?? answer.detail))
            }
        }
    }

    /// Lets time pass with the changing line.
    func live(for length: Duration, _ what: String) async {
        let end = time.now.advanced(by: length)
        while time.now < end {
            showLive(what)
            let next = min(end, time.now.advanced(by: .milliseconds(500)))
            guard (try? await time.sleep(until: next)) != nil else { return }
        }
    }

    func showLive(_ what: String) {
        let operations = history.operations
        let counts = Dictionary(grouping: operations.filter { $0.kind == .place }) { $0.outcome }.mapValues(\.count)
        let since = history.now - 5_000_000_000
        let latencies = operations.filter { $0.kind == .place && $0.completedAt >= since }
            .map { $0.completedAt - $0.invokedAt }
        let p99 = (Percentiles.of(latencies, 99) ?? 0) / 1_000_000
        let open = sampler.last?.openBreakers.count ?? 0
        let age = sampler.last?.outboxAge.values.max() ?? 0
        terminal.live(
            "\(history.now / 1_000_000_000) s  \(what)  ok \(counts[.ok] ?? 0)  fail \(counts[.fail] ?? 0)  "
                + "unknown \(counts[.info] ?? 0)  p99 \(p99) ms  breakers open \(open)  outbox \(Int(age)) s")
    }
}

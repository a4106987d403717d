import Clocks
import Glibc
import HTTPClient
import Invariants
import LocalStack

/// One run, from the moment the stack is known to be there.
final class DrillRun: Sendable {
    struct State {
        var faults: [FaultRecord] = []
        var snapshots: [Observation.Snapshot] = []
        /// Why the faults ended early; nil while there is no reason.
        var abort: String?
        /// Whether what was seen in flight broke a promise.
        var brokeInFlight = false
        var activeFaults: [String] = []
    }

    let setup: DrillRunner.Setup
    let folder: DrillFolder
    let client: SuiteClient
    let history: History
    let journal: DrillJournal
    let sampler: Sampler
    let worker: FaultWorker
    let load: LoadGenerator
    let terminal: Terminal
    let time: any TimeSource
    let runner: ProcessIdentity
    let state = Lock(State())

    var experiment: Experiment { setup.experiment }

    init(
        _ setup: DrillRunner.Setup, folder: DrillFolder, client: SuiteClient, begin: MonotonicInstant,
        terminal: Terminal, time: any TimeSource
    ) throws(DrillError) {
        self.setup = setup
        self.folder = folder
        self.client = client
        self.terminal = terminal
        self.time = time
        guard let runner = ProcessIdentity(pid: getpid()) else { throw DrillError("/proc cannot be read") }
        self.runner = runner
        history = try History(path: setup.resultFolder + "/history.jsonl", start: begin, time: time)
        let journal = DrillJournal(start: begin, terminal: terminal, time: time)
        self.journal = journal
        sampler = Sampler(client: client, history: history, time: time)
        let tag = String(UInt64(time.wallNow.milliseconds), radix: 36)
        // Faults and load draw from sequences of their own: a change of the one leaves the other as it was.
        worker = FaultWorker(
            folder: folder, resultFolder: setup.resultFolder, client: client.client, time: time,
            random: SeededRandom(seed: setup.seed &+ 1), note: { journal.note($0) })
        let stack = try client.view.read()
        let replicas = stack.processes.filter { $0.name == "order-service" }.map { "http://127.0.0.1:\($0.api)" }
        guard !replicas.isEmpty else { throw DrillError("the stack has no order-service") }
        load = LoadGenerator(
            plan: LoadPlan(
                prefix: "drill-\(tag)", settings: setup.experiment.load, random: SeededRandom(seed: setup.seed)),
            client: client, history: history, time: time, replicas: replicas)
    }

    func execute(into result: inout DrillResult) async throws(DrillError) {
        let faults = try await resolve()
        try await stockUp()
        let watch = try await DrillGuard.start(data: folder.stackFolder, runner: runner)
        let loading = Task { await load.run() }
        let sampling = Task { await sampler.run() }
        let auditing = Task { await takeSnapshots() }
        do throws(DrillError) {
            try await drill(faults, into: &result) { () -> [LoadPlan.Order] in
                loading.cancel()
                return await loading.value
            }
        } catch {
            result.reason = error.description
        }
        for task in [sampling, auditing] { task.cancel() }
        loading.cancel()
        _ = await loading.value
        await sampling.value
        await auditing.value
        await watch.stop(with: .kill, patience: .seconds(1), time: time)
        result.faults = state.withLock { $0.faults }
        result.samples = sampler.samples
        result.entries = journal.entries
        result.observation.operations = history.operations.sorted { $0.index < $1.index }
    }

    private func drill(
        _ faults: [PlannedFault], into result: inout DrillResult, endLoad: () async -> [LoadPlan.Order]
    ) async throws(DrillError) {
        let resourcesBefore = try await baseline(into: &result)
        let methodBegan = history.now
        await perform(faults)
        let healedAt = history.now
        result.phases.append(.init(name: "method", from: methodBegan, to: healedAt))
        await rollBack()
        guard !Task.isCancelled else { throw DrillError("interrupted; the faults are healed") }
        try checkHealed()
        await recover(healedAt: healedAt, into: &result)
        if !Task.isCancelled { result.after = await measure(.after) }
        let orders = await endLoad()
        guard !Task.isCancelled else { throw DrillError("interrupted; the faults are healed") }
        await comeToRest(orders, into: &result)
        await observe(orders, into: &result)
        await measureAtRest(into: &result)
        serviceLevel(resourcesBefore, healedAt: healedAt, into: &result)
        judge(into: &result)
    }

    /// A fault that could not be healed makes everything after it mean nothing.
    private func checkHealed() throws(DrillError) {
        let unhealed = state.withLock { $0.faults.filter { $0.injectedAt != nil && $0.healedAt == nil } }
        guard let first = unhealed.first else { return }
        throw DrillError("\(first.label) could not be healed (\(first.failure)): run holdfast drill heal")
    }

    /// Runs all checks and says what they come to.
    private func judge(into result: inout DrillResult) {
        result.observation.operations = history.operations.sorted { $0.index < $1.index }
        let observation = result.observation
        result.checked = experiment.invariants.map { .init(invariant: $0, finding: $0.check(observation)) }
        let violated = result.checked.filter { $0.finding.verdict == .violated }
        let (abort, brokeInFlight) = state.withLock { ($0.abort, $0.brokeInFlight) }
        let failures = state.withLock { $0.faults.filter { !$0.failure.isEmpty } }
        if let first = violated.first {
            result.verdict = .violated
            result.reason = "\(first.invariant.id) \(first.invariant.title): \(first.finding.summary)"
        } else if brokeInFlight {
            result.verdict = .violated
            result.reason = abort ?? "a promise was broken while the faults were there"
        } else if let abort {
            result.reason = "ended early: \(abort)"
        } else if let failure = failures.first {
            result.reason = "\(failure.label) was not made as planned: \(failure.failure)"
        } else if let probe = result.after.first(where: { !$0.holds }) {
            result.verdict = .violated
            result.reason = "the steady state did not come back: \(probe.probe.name) is \(probe.value)"
        } else if !state.withLock({ $0.faults.contains { $0.injectedAt != nil } }) {
            result.reason = "no fault was made"
        } else if history.operations.count(where: { $0.isPlacing && $0.outcome == .ok }) == 0 {
            result.reason = "no order was placed"
        } else if let open = result.checked.first(where: { $0.finding.verdict == .unknown }) {
            result.reason = "\(open.invariant.id) could not be checked: \(open.finding.summary)"
        } else {
            result.verdict = .held
        }
    }
}

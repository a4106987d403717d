import Clocks
import Synchronization

/// The health of this process: whether it lives, has started, and is ready for work.
///
/// Checks run concurrently, each with its own timeout, and their result is kept for a moment, so that many probes cost
/// no more than one. A service that has not started or is draining is not ready, whatever the checks say.
package final class HealthRegistry: Sendable {
    package enum Phase: Sendable, Hashable {
        /// Not every service of the group is ready. Goes to `running` or `draining`.
        case starting
        /// Goes to `draining`.
        case running
        /// The process is on its way out. Final.
        case draining
    }

    private struct State {
        var phase = Phase.starting
        var checks: [HealthCheck] = []
        var latest: (report: HealthReport, at: MonotonicInstant)?
        var running: Task<HealthReport, Never>?
        var drainActions: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let freshness: Duration

    /// A registry whose results answer further probes for `freshness`.
    package init(time: any TimeSource, freshness: Duration = .milliseconds(500)) {
        self.time = time
        self.freshness = freshness
    }

    /// Adds a check; traps for a name that is taken.
    package func register(_ check: HealthCheck) {
        state.withLock { state in
            precondition(!state.checks.contains { $0.name == check.name }, "two health checks are named \(check.name)")
            state.checks.append(check)
        }
    }

    package var phase: Phase { state.withLock(\.phase) }

    /// Everything has started; not after ``drain()``.
    package func started() {
        state.withLock { state in
            if state.phase == .starting { state.phase = .running }
        }
    }

    /// From now on the service is not ready; who asked for it is told.
    package func drain() {
        let actions = state.withLock { state in
            state.phase = .draining
            defer { state.drainActions = [] }
            return state.drainActions
        }
        for action in actions { action() }
    }

    /// Has `action` run when the service begins to drain, for what would otherwise last until the drain's end, such as event
    /// streams. It must not block.
    package func whenDraining(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if state.phase != .draining { state.drainActions.append(action) }
            return state.phase == .draining
        }
        if isLate { action() }
    }

    /// The process answers, and so it lives; nothing else is looked at.
    package func live() -> HealthReport {
        HealthReport(checks: [])
    }

    /// Whether everything has started once.
    package func startup() -> HealthReport {
        let hasStarted = phase != .starting
        return HealthReport(checks: [
            HealthReport.Check(
                name: "started", status: hasStarted ? .up : .down,
                detail: hasStarted ? nil : "not every part of the service is ready yet")
        ])
    }

    /// Whether the service is ready for work: it runs, does not drain, and all checks are up.
    package func ready() async -> HealthReport {
        switch phase {
        case .draining: return Self.notReady("the service is shutting down")
        case .starting: return Self.notReady("the service is starting")
        case .running: break
        }
        var report = await checked()
        // The state may have changed while the checks ran.
        if phase == .draining { return Self.notReady("the service is shutting down") }
        report.checks.insert(HealthReport.Check(name: "lifecycle", status: .up), at: 0)
        return report
    }

    private static func notReady(_ detail: String) -> HealthReport {
        HealthReport(checks: [HealthReport.Check(name: "lifecycle", status: .down, detail: detail)])
    }

    private func checked() async -> HealthReport {
        enum Source {
            case known(HealthReport)
            case running(Task<HealthReport, Never>)
        }
        let now = time.now
        let source = state.withLock { state -> Source in
            if let latest = state.latest, latest.at.duration(to: now) < freshness { return .known(latest.report) }
            if let running = state.running { return .running(running) }
            // A task of its own: a probe that hangs up must not cancel the checks of the others.
            let task = Task { [checks = state.checks] in
                let report = await self.run(checks)
                self.state.withLock { state in
                    state.latest = (report, self.time.now)
                    state.running = nil
                }
                return report
            }
            state.running = task
            return .running(task)
        }
        switch source {
        case .known(let report): return report
        case .running(let task): return await task.value
        }
    }

    private func run(_ checks: [HealthCheck]) async -> HealthReport {
        let began = time.now
        let results = await withTaskGroup(of: (Int, HealthReport.Check).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await self.run(check)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let ordered = results.sorted { $0.0 < $1.0 }.map(\.1)
        return HealthReport(checks: ordered, duration: began.duration(to: time.now))
    }

    private func run(_ check: HealthCheck) async -> HealthReport.Check {
        let began = time.now
        let failure = await BoundedRun.first(time: time, limit: check.timeout) { () -> String? in
            do {
                try await check.run()
                return nil
            } catch {
                return String(describing: error)
            }
        }
        let detail =
            switch failure {
            case .some(let detail): detail
            case .none: "no answer within \(SecondsText.write(check.timeout)) s"
            }
        return HealthReport.Check(
            name: check.name, status: detail == nil ? .up : .down, duration: began.duration(to: time.now),
            detail: detail)
    }
}

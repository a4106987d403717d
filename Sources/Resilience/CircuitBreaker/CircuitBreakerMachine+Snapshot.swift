import Clocks

extension CircuitBreakerMachine {
    func snapshot(
        name: String, now: MonotonicInstant, lastChange: CircuitBreakerSnapshot.Change? = nil
    ) -> CircuitBreakerSnapshot {
        var window = window
        window.forget(now: now)
        return CircuitBreakerSnapshot(
            name: name, configuration: configuration, state: state, lastChange: lastChange,
            calls: window.totals.calls, failures: window.totals.failures, slowCalls: window.totals.slow,
            failuresInARow: failuresInARow, takenAt: now, openUntil: openUntil, openingsInARow: openings,
            probesOut: probes.out, probesSucceeded: probes.succeeded, probesFailed: probes.failed, counts: counts)
    }
}

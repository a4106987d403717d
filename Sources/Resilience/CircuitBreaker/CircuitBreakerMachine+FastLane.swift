import Clocks

extension CircuitBreakerMachine {
    /// Until when a call of the usual kind changes nothing that has to be decided: a success, not slow, where calls
    /// pass, or a refusal where they are refused. Nil when each call must be looked at.
    ///
    /// A success cannot open a breaker whose window is free of failures and slow calls, nor one that has judged as many
    /// calls as it wants and stayed closed: it makes no share larger.
    var usualUntil: MonotonicInstant? {
        switch state {
        case .closed:
            let totals = window.totals
            let isClean = totals.failures == 0 && totals.slow == 0
            return isClean || totals.calls >= configuration.minimumCalls ? window.portionEnd : nil
        case .metricsOnly: return window.portionEnd
        case .disabled, .forcedOpen: return .distantFuture
        case .open: return openUntil
        case .halfOpen: return nil
        }
    }

    /// Takes over so many calls of the usual kind, all of them before ``usualUntil``.
    mutating func takeOver(_ count: Int) {
        guard count > 0 else { return }
        switch state {
        case .open, .forcedOpen:
            counts.add(.rejected, in: state, times: count)
        case .closed, .metricsOnly:
            counts.add(.success, in: state, times: count)
            failuresInARow = 0
            window.recordGood(count)
        case .disabled:
            counts.add(.success, in: state, times: count)
        case .halfOpen:
            preconditionFailure("in half-open each call is looked at")
        }
    }
}

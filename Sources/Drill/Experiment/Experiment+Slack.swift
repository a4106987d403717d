extension Experiment {
    /// The same experiment for a machine that has other work: everything that it measures in time, and the share of requests
    /// that may fail, may be `slack` times as much. What has to be right stays as it is.
    package func relaxed(_ slack: Int) -> Experiment {
        guard slack > 1 else { return self }
        var relaxed = self
        relaxed.recovery.service = recovery.service * slack
        relaxed.recovery.final = recovery.final * slack
        relaxed.allow.errors = min(allow.errors * Double(slack), 1)
        relaxed.allow.slower = allow.slower * Double(slack)
        relaxed.allow.slowerFloor = allow.slowerFloor * slack
        relaxed.steadyState = steadyState.map { $0.relaxed(Double(slack)) }
        return relaxed
    }
}

extension Probe {
    fileprivate func relaxed(_ slack: Double) -> Probe {
        guard case .range(let low, let high) = tolerance else { return self }
        var relaxed = self
        switch measure {
        case .latency: relaxed.tolerance = .range(low, high * slack)
        case .errors: relaxed.tolerance = .range(low, min(high * slack, 1))
        case .http, .metric: break
        }
        return relaxed
    }
}

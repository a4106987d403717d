import Clocks

extension CircuitBreaker {
    /// What the lock guards.
    struct Protected: Sendable {
        var machine: CircuitBreakerMachine
        var lastChange: CircuitBreakerSnapshot.Change?
        var alarm: Alarm?
    }

    /// The deadline that is set on the timer.
    struct Alarm: Sendable {
        var due: MonotonicInstant
        var ticket: DeadlineTimer.Ticket
    }

    /// Lets the machine decide, then sets the timer to what is due next and reports a change, outside of the lock.
    @discardableResult
    func decide<Answer: Sendable>(
        at now: MonotonicInstant,
        _ body: (inout CircuitBreakerMachine, inout CircuitBreakerTransition?) -> Answer
    ) -> Answer {
        let (answer, changed) = withMachine { protected -> (Answer, CircuitBreakerTransition?) in
            var changed: CircuitBreakerTransition?
            let answer = body(&protected.machine, &changed)
            if let changed {
                protected.lastChange = CircuitBreakerSnapshot.Change(transition: changed, at: time.wallNow)
            }
            setAlarm(&protected)
            return (answer, changed)
        }
        if let changed { observer?(.circuitBreakerChanged(name: name, changed)) }
        return answer
    }

    /// Locks the machine with all calls in it that have passed it by so far.
    func withMachine<Answer: Sendable>(_ body: (inout Protected) -> Answer) -> Answer {
        protected.withLock { protected in
            protected.machine.takeOver(lane.shut())
            let answer = body(&protected)
            lane.show(
                protected.machine.state, generation: protected.machine.generation,
                until: protected.machine.usualUntil)
            return answer
        }
    }

    /// Makes the timer wait for what is due now, and for nothing else.
    private func setAlarm(_ protected: inout Protected) {
        guard let timer else { return }
        let due = protected.machine.nextDue
        guard due != protected.alarm?.due else { return }
        if let alarm = protected.alarm { timer.cancel(alarm.ticket, endsSleep: true) }
        protected.alarm = due.map { due in
            Alarm(due: due, ticket: timer.set(due) { [weak self] in self?.alarmRang(due) })
        }
    }

    /// Time is up. A change in between has cancelled the alarm or set another one, which this is not to touch.
    private func alarmRang(_ due: MonotonicInstant) {
        protected.withLock { if $0.alarm?.due == due { $0.alarm = nil } }
        let now = time.now
        decide(at: now) { $1 = $0.advance(now: now, random: random) }
    }
}

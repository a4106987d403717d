import Clocks

extension EventLoop {
    /// Takes what has connected so far, stops listening, closes what is idle; the rest finishes by the deadline.
    func beginDrain(deadline: MonotonicInstant) {
        if let drain {
            guard deadline < drain.deadline, !drain.isCancelling else { return }
        } else {
            acceptConnections()
        }
        drain = Drain(deadline: deadline)
        listener = nil
        isAccepting = false
        deadlines.add(Key.drain, at: deadline)
        for connection in table.all {
            // A request that has arrived already is served: reading comes before closing.
            read(connection)
            connection.machine.drain(now: now)
            if table[connection.key] != nil { resume(connection) }
        }
    }

    /// At the deadline handlers are cancelled, a moment later what is left is cut.
    func endDrain() {
        guard let current = drain, current.deadline <= now else { return }
        if current.isCancelling {
            for connection in table.all { close(connection, reset: true) }
            return
        }
        for connection in table.all {
            connection.task?.cancel()
        }
        let end = now.advanced(by: configuration.cancelGrace)
        drain = Drain(deadline: end, isCancelling: true)
        deadlines.add(Key.drain, at: end)
    }
}

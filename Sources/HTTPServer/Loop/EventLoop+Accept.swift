import Clocks
import Glibc

extension EventLoop {
    /// Accepts what waits, as far as the limit allows; at the limit the rest stays in the backlog.
    func acceptConnections() {
        for _ in 0..<256 {
            guard table.count < configuration.connectionLimit else {
                pauseAccepting()
                return
            }
            switch listener?.accept() {
            case .socket(let socket): open(socket)
            case .none?, nil: return
            case .exhausted:
                // The listener would report readiness for ever; look again a little later.
                pauseAccepting()
                deadlines.add(Key.acceptAgain, at: now.advanced(by: .milliseconds(100)))
                return
            }
        }
    }

    func resumeAccepting() {
        guard !isAccepting, drain == nil, let socket = listener?.socket else { return }
        isAccepting = poller.addInput(socket, key: Key.listener)
    }

    private func pauseAccepting() {
        guard isAccepting, let socket = listener?.socket else { return }
        poller.remove(socket)
        isAccepting = false
    }

    private func open(_ socket: Int32) {
        counters.accepted.wrappingAdd(1, ordering: .relaxed)
        counters.open.wrappingAdd(1, ordering: .relaxed)
        let connection = table.insert { key in
            Connection(socket: socket, key: key, limits: configuration.limits, now: now)
        }
        guard poller.addConnection(socket, key: connection.key) else {
            close(connection, reset: true)
            return
        }
        schedule(connection)
    }
}

import Clocks
import Glibc
import HTTPCodec

extension EventLoop {
    /// Reads what the socket has, gives way to others after a few buffers, and performs what follows from it.
    func read(_ connection: Connection) {
        connection.hasUnread = true
        now = time.now
        for _ in 0..<4 {
            guard connection.machine.wantsInput else { return }
            let count = recv(connection.socket, readBuffer.baseAddress, readBuffer.count, 0)
            if count > 0 {
                let bytes = UnsafeBufferPointer(rebasing: readBuffer[..<count])
                connection.machine.receive(bytes, now: now)
                // A short read leaves nothing behind, but a hang-up has still to be read.
                let isDrained = count < readBuffer.count && !connection.hasHungUp
                if isDrained { connection.hasUnread = false }
                progress(connection)
                if isDrained || table[connection.key] == nil { return }
            } else if count == 0 {
                connection.hasUnread = false
                connection.machine.receiveEnd(now: now)
                progress(connection)
                return
            } else if errno == EAGAIN || errno == EINTR {
                connection.hasUnread = errno == EINTR
                break
            } else {
                close(connection, reset: false)
                return
            }
        }
        if connection.hasUnread { readLater(connection) }
    }

    /// Goes on with a connection after something happened to it besides reading.
    func resume(_ connection: Connection) {
        progress(connection)
        if connection.hasUnread, connection.machine.wantsInput { readLater(connection) }
    }

    private func readLater(_ connection: Connection) {
        guard !connection.isQueued, table[connection.key] != nil else { return }
        connection.isQueued = true
        again.append(connection.key)
    }

    /// Performs what the state machine asks for and sends what it has, until it asks for nothing more.
    private func progress(_ connection: Connection) {
        var unsent = 0
        repeat {
            while let action = connection.machine.nextAction(now: now, date: date) {
                switch action {
                case .handle(let request): start(request, on: connection)
                case .cancelHandler: connection.task?.cancel()
                case .endOutput: shutdown(connection.socket, Int32(SHUT_WR))
                case .close(let reset):
                    close(connection, reset: reset)
                    return
                }
            }
            unsent = connection.machine.unsentCount
            guard flush(connection) else { return }
            // What was sent may have made room for the next request or be the end of the last answer.
        } while connection.machine.unsentCount < unsent
        noteRefusal(connection)
        schedule(connection)
    }

    /// Sends as much as the socket takes; false when the connection is gone.
    private func flush(_ connection: Connection) -> Bool {
        while connection.machine.unsentCount > 0, !connection.isBlocked {
            let socket = connection.socket
            let sent = connection.machine.withUnsent {
                send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EINTR { continue }
            guard sent >= 0 || errno == EAGAIN else {
                close(connection, reset: false)
                return false
            }
            connection.isBlocked = sent < connection.machine.unsentCount
            connection.machine.didSend(max(0, sent), now: now)
        }
        connection.sink?.update(unsent: connection.machine.unsentCount)
        return true
    }

    /// Sees to it that the deadline queue looks at the connection in time.
    func schedule(_ connection: Connection) {
        let deadline = connection.machine.deadline
        guard deadline < connection.scheduled else { return }
        connection.scheduled = deadline
        deadlines.add(connection.key, at: deadline)
    }

    func close(_ connection: Connection, reset: Bool) {
        guard table[connection.key] != nil else { return }
        table.remove(connection)
        if reset {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        Glibc.close(connection.socket)
        connection.task?.cancel()
        connection.task = nil
        connection.sink?.close()
        connection.sink = nil
        noteRefusal(connection)
        counters.open.wrappingSubtract(1, ordering: .relaxed)
        finish(connection, complete: false)
        resumeAccepting()
    }

    /// Counts a refusal, once.
    private func noteRefusal(_ connection: Connection) {
        guard let refusal = connection.machine.refusal, !connection.hasNotedRefusal else { return }
        connection.hasNotedRefusal = true
        counters.refused.wrappingAdd(1, ordering: .relaxed)
        observer?(.refused(refusal))
    }
}

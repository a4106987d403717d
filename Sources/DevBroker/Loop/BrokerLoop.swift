import CLinux
import Clocks
import Glibc

/// The one thread that serves all clients: sockets around a ``BrokerCore``.
///
/// In each turn it reads what has arrived, gives complete requests to the core, and sends all answers at the end, so
/// that records of many producers reach a waiting consumer in one answer. A client that does not read its answers is
/// not read from either and holds up nobody else.
final class BrokerLoop {
    private enum Key {
        static let listener = UInt64.max
        static let signals = UInt64.max - 1
        static let input = UInt64.max - 2
    }

    private let poller: Poller
    private let listener: Listener
    private let time: any TimeSource
    private let report: (String) -> Void
    private var core: BrokerCore
    private var connections: [ConnectionKey: Connection] = [:]
    private var lastKey: ConnectionKey = 0
    private var isAccepting = false
    private var isEnding = false
    /// Connections with something to read or to take that gave way to others.
    private var again: [ConnectionKey] = []
    /// Connections with answers from this turn.
    private var answered: [ConnectionKey] = []
    private let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private var reports = 0

    /// Listens on `port` (0: any free one).
    ///
    /// - Parameter report: is told, in a sentence, whose connection was closed and why.
    init(
        port: UInt16, topics: [TopicSpecification], time: any TimeSource, seed: UInt32,
        report: @escaping (String) -> Void
    ) throws(BrokerError) {
        self.time = time
        self.report = report
        poller = try Poller()
        listener = try Listener(port: port)
        core = BrokerCore(
            node: BrokerNode(host: "127.0.0.1", port: Int32(listener.port)), topics: topics, seed: seed)
    }

    deinit { readBuffer.deallocate() }

    var bootstrap: String { "\(core.node.host):\(core.node.port)" }

    /// Serves until a signal arrives at the descriptor `signals`, or standard input ends, if that is to be heeded.
    func run(signals: Int32, untilEndOfInput: Bool) {
        guard poller.addInput(signals, key: Key.signals) else { return }
        // A file cannot be watched, and is at its end as soon as it is read.
        if untilEndOfInput, !poller.addInput(STDIN_FILENO, key: Key.input) { while !isEnding { readInput() } }
        resumeAccepting()
        while !isEnding { turn() }
    }

    private func turn() {
        for event in poller.wait(milliseconds: timeout()) {
            switch event.data.u64 {
            case Key.listener: acceptConnections()
            case Key.signals: isEnding = true
            case Key.input: readInput()
            default: handle(event)
            }
        }
        let waiting = again
        again.removeAll(keepingCapacity: true)
        for key in waiting {
            guard let connection = connections[key] else { continue }
            connection.isQueued = false
            serve(connection)
        }
        core.settle(now: time.now)
        perform()
        flush()
    }

    /// How long the kernel may keep us waiting.
    private func timeout() -> Int32 {
        guard again.isEmpty else { return 0 }
        guard let next = core.deadline() else { return -1 }
        let nanoseconds = max(0, time.now.duration(to: next).wholeNanoseconds)
        // Rounded up: waking early would be waking twice.
        return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
    }

    private func readInput() {
        var scratch: (UInt64, UInt64) = (0, 0)
        let count = Glibc.read(STDIN_FILENO, &scratch, MemoryLayout.size(ofValue: scratch))
        if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { isEnding = true }
    }

    // MARK: Connections

    private func acceptConnections() {
        while true {
            switch listener.accept() {
            case .socket(let socket):
                lastKey += 1
                guard poller.addConnection(socket, key: lastKey) else {
                    Glibc.close(socket)
                    continue
                }
                connections[lastKey] = Connection(socket: socket, key: lastKey)
            case .none: return
            case .exhausted:
                // Taken up again when a connection ends; the client waits until then.
                poller.remove(listener.socket)
                isAccepting = false
                return
            }
        }
    }

    private func resumeAccepting() {
        guard !isAccepting else { return }
        isAccepting = poller.addInput(listener.socket, key: Key.listener)
    }

    private func handle(_ event: epoll_event) {
        guard let connection = connections[event.data.u64] else { return }
        guard event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) == 0 else { return close(connection) }
        if event.events & EPOLLOUT.rawValue != 0, connection.isBlocked {
            connection.isBlocked = false
            answered.append(connection.key)
        }
        if event.events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 {
            connection.hasUnread = true
            serve(connection)
        }
    }

    /// Takes requests and reads further ones, gives way to others after a few buffers.
    private func serve(_ connection: Connection) {
        takeRequests(connection)
        for _ in 0..<4 where connection.hasUnread {
            guard connections[connection.key] != nil, connection.hasRoom, !connection.frames.hasFrame else { break }
            let count = recv(connection.socket, readBuffer.baseAddress, readBuffer.count, 0)
            if count > 0 {
                connection.frames.append(UnsafeRawBufferPointer(rebasing: readBuffer[..<count]))
                takeRequests(connection)
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                connection.hasUnread = false
            } else {
                return close(connection)
            }
        }
        queueAgain(connection)
    }

    /// Gives the core the complete requests, one after the other.
    private func takeRequests(_ connection: Connection) {
        let key = connection.key
        while connections[key] != nil, connection.hasRoom, connection.frames.hasFrame {
            if core.isBusy(key) {
                core.hurry(key)
                guard !core.isBusy(key) else { break }
            }
            do throws(MalformedRequest) {
                guard let frame = try connection.frames.next() else { break }
                core.receive(frame, from: key, now: time.now)
            } catch {
                refuse(connection, error.description)
            }
            perform()
        }
    }

    /// Comes back to a connection in the next turn, if it can be served then.
    private func queueAgain(_ connection: Connection) {
        guard connections[connection.key] != nil, !connection.isQueued, connection.hasRoom else { return }
        let canTake = connection.frames.hasFrame ? !core.isBusy(connection.key) : connection.hasUnread
        guard canTake else { return }
        connection.isQueued = true
        again.append(connection.key)
    }

    private func perform() {
        for action in core.takeActions() {
            switch action {
            case .send(let key, let answer):
                guard let connection = connections[key] else { continue }
                if connection.unsent == 0 { answered.append(key) }
                connection.queue(answer)
            case .close(let key, let reason):
                if let connection = connections[key] { refuse(connection, reason) }
            }
        }
    }

    /// Sends the turn's answers; what a socket does not take waits until it does.
    private func flush() {
        for key in answered {
            guard let connection = connections[key] else { continue }
            if connection.flush() { queueAgain(connection) } else { close(connection) }
        }
        answered.removeAll(keepingCapacity: true)
    }

    /// Reports are bounded: a client that fails for ever does not fill the disk.
    private func refuse(_ connection: Connection, _ reason: String) {
        reports += 1
        if reports <= 100 { report("closed a client's connection: \(reason).") }
        if reports == 100 { report("further connections closed are not reported.") }
        _ = connection.flush()
        close(connection)
    }

    private func close(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.key) != nil else { return }
        Glibc.close(connection.socket)
        core.disconnected(connection.key)
        resumeAccepting()
    }
}

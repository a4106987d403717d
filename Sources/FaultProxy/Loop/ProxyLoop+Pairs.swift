import CLinux
import Clocks
import Glibc

extension ProxyLoop {
    /// Open connections of one link; a client beyond that is reset.
    private static var connectionLimit: Int { 1024 }
    /// How often a pair reads or writes before others get their turn.
    private static var turnLimit: Int { 32 }

    /// Takes the clients that wait.
    func accept(_ index: Int) {
        while links[index].isListening {
            switch Sockets.accept(links[index].listener) {
            case .none: return
            case .exhausted: return turnAway(index)
            case .socket(let client) where links[index].counts.open >= Self.connectionLimit:
                Sockets.close(client, .reset)
            case .socket(let client): open(client, index)
            }
        }
    }

    /// Resets a client for which there is no descriptor: left in the backlog it would wake us for ever.
    private func turnAway(_ index: Int) {
        Glibc.close(reserve)
        if case .socket(let client) = Sockets.accept(links[index].listener) { Sockets.close(client, .reset) }
        reserve = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    private func open(_ client: Int32, _ index: Int) {
        let link = links[index]
        let pair = Pair(
            key: takePairKey(), link: index, draw: link.random.nextUnit(), client: client, upstream: link.upstream,
            downstream: link.downstream)
        if link.specification.isKafka {
            pair.rewriter = PortRewriter(
                host: link.specification.advertisedHost ?? link.specification.targetHost,
                port: UInt16(link.specification.targetPort), to: UInt16(link.port))
        }
        pairs[pair.key] = pair
        links[index].counts.accepted += 1
        links[index].counts.open += 1
        guard poller.addConnection(client, key: pair.key) else { return close(pair, .reset) }
        pump(pair)
    }

    func handle(events: UInt32, key: UInt64) {
        guard let pair = pairs[key & ~1] else { return }
        let isEnded = events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        if key & 1 == 1, pair.isConnecting {
            guard Sockets.connectResult(pair.target.socket) == 0 else {
                links[pair.link].counts.unreachable += 1
                return close(pair, .reset)
            }
            pair.isConnecting = false
        }
        let side: ReferenceWritableKeyPath<Pair, Pair.Side> = key & 1 == 0 ? \.client : \.target
        if events & EPOLLIN.rawValue != 0 || isEnded { pair[keyPath: side].isReadable = true }
        if events & EPOLLOUT.rawValue != 0 { pair[keyPath: side].isWritable = true }
        pump(pair)
    }

    /// Does for a pair all that can be done now.
    func pump(_ pair: Pair) {
        guard connectIfPossible(pair) else { return }
        var wake = MonotonicInstant.distantFuture
        for direction in Direction.allCases {
            guard let next = pump(pair, direction) else { return }
            wake = min(wake, next)
        }
        if pair.upstream.lane.isFinished, pair.downstream.lane.isFinished { return close(pair, .close) }
        // Who has ended its side and then went away altogether hears no answer.
        for direction in Direction.allCases
        where pair[keyPath: Pair.sink(direction)].isBroken
            && pair[keyPath: Pair.way(direction.opposite)].lane.isFinished
        {
            return close(pair, .reset)
        }
        waiting[pair.key] = wake == .distantFuture ? nil : wake
    }

    /// Connects to the target once something may reach it: behind a black hole it hears nothing of the client.
    ///
    /// - Returns: false when the pair is closed.
    private func connectIfPossible(_ pair: Pair) -> Bool {
        guard pair.target.socket < 0, !pair.upstream.lane.faults.isBlackHole else { return true }
        let link = links[pair.link].specification
        guard let host = names.address(of: link.targetHost),
            let socket = Sockets.connecting(to: host, port: link.targetPort)
        else {
            links[pair.link].counts.unreachable += 1
            close(pair, .reset)
            return false
        }
        pair.target.socket = socket
        pair.isConnecting = true
        guard poller.addConnection(socket, key: pair.key | 1) else {
            close(pair, .reset)
            return false
        }
        return true
    }

    /// Reads and writes in one direction.
    ///
    /// - Returns: when to go on at the latest; nil when the pair is closed.
    private func pump(_ pair: Pair, _ direction: Direction) -> MonotonicInstant? {
        let way = Pair.way(direction)
        for _ in 0..<Self.turnLimit {
            read(pair, direction)
            switch pair[keyPath: way].lane.step(at: now) {
            case .idle:
                guard canRead(pair, direction) else { return .distantFuture }
            case .wait(let instant):
                guard canRead(pair, direction) else { return instant }
            case .send(let count):
                guard send(count, pair, direction) else { return .distantFuture }
            case .finish:
                let sink = pair[keyPath: Pair.sink(direction)]
                // Not before the connection is there; then this direction is looked at again.
                guard sink.socket >= 0, !(direction == .upstream && pair.isConnecting) else { return .distantFuture }
                shutdown(sink.socket, Int32(SHUT_WR))
                pair[keyPath: way].lane.finish()
            case .cut(let cut):
                if !pair[keyPath: way].hasEnded { links[pair.link].counts.cut += 1 }
                close(pair, cut)
                return nil
            }
        }
        again.insert(pair.key)
        return .distantFuture
    }

    private func canRead(_ pair: Pair, _ direction: Direction) -> Bool {
        let way = pair[keyPath: Pair.way(direction)]
        return pair[keyPath: Pair.source(direction)].isReadable && !way.hasEnded && way.lane.room > 0
    }

    private func read(_ pair: Pair, _ direction: Direction) {
        guard canRead(pair, direction) else { return }
        let (source, way) = (Pair.source(direction), Pair.way(direction))
        let random = links[pair.link].random
        let limit = min(buffer.count, pair[keyPath: way].lane.room)
        let count = recv(pair[keyPath: source].socket, buffer.baseAddress, limit, 0)
        if count > 0 {
            if direction == .upstream {
                links[pair.link].counts.upstreamBytes += count
            } else {
                links[pair.link].counts.downstreamBytes += count
            }
            return take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), pair, direction)
        }
        if count < 0, errno == EINTR { return }
        if count < 0, errno == EAGAIN {
            pair[keyPath: source].isReadable = false
            return
        }
        if direction == .downstream, let rest = pair.rewriter?.end(), !rest.isEmpty {
            rest.withUnsafeBytes { keep($0, pair, direction) }
        }
        pair[keyPath: way].hasEnded = true
        pair[keyPath: way].lane.end(count == 0 ? .orderly : .reset, at: now, random: random)
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ pair: Pair, _ direction: Direction) {
        guard direction == .downstream, pair.rewriter != nil else { return keep(bytes, pair, direction) }
        let rewritten = pair.rewriter?.rewrite(Array(bytes)) ?? []
        rewritten.withUnsafeBytes { keep($0, pair, direction) }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, _ pair: Pair, _ direction: Direction) {
        guard !bytes.isEmpty else { return }
        let way = Pair.way(direction)
        let kept = pair[keyPath: way].lane.arrive(bytes.count, at: now, random: links[pair.link].random)
        pair[keyPath: way].queue.append(bytes.prefix(kept))
    }

    /// Writes what may go out.
    ///
    /// - Returns: false when the receiver takes no more for now, or ever.
    private func send(_ count: Int, _ pair: Pair, _ direction: Direction) -> Bool {
        let (sink, way) = (Pair.sink(direction), Pair.way(direction))
        guard pair[keyPath: sink].isWritable, !pair[keyPath: sink].isBroken else { return false }
        let socket = pair[keyPath: sink].socket
        let written = pair[keyPath: way].queue.withFront(count) {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if written > 0 {
            pair[keyPath: way].queue.drop(written)
            pair[keyPath: way].lane.sent(written, at: now)
            return true
        }
        let code = errno
        if code == EINTR { return true }
        pair[keyPath: sink].isWritable = false
        if code != EAGAIN {
            // Its reset, which reading finds, travels to the sender as any end does.
            pair[keyPath: sink].isBroken = true
            pair[keyPath: sink].isReadable = true
            again.insert(pair.key)
        }
        return false
    }

    /// Ends both connections.
    func close(_ pair: Pair, _ cut: LaneFaults.Cut) {
        for side in [pair.client, pair.target] where side.socket >= 0 { Sockets.close(side.socket, cut) }
        pairs[pair.key] = nil
        waiting[pair.key] = nil
        links[pair.link].counts.open -= 1
    }
}

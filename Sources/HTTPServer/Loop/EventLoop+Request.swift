import Clocks
import HTTPCodec

extension EventLoop {
    /// Runs the handler on this thread until it first suspends; most answers are there by then.
    func start(_ request: HTTPRequest, on connection: Connection) {
        connection.number &+= 1
        connection.current = Connection.Current(
            method: request.method, target: request.target, receivedAt: request.receivedAt,
            requestBytes: request.body.count)
        counters.requests.wrappingAdd(1, ordering: .relaxed)
        counters.inFlight.wrappingAdd(1, ordering: .relaxed)
        let ticket = connection.ticket
        let task = Task.immediate { [handler] in
            await self.deliver(handler(request), ticket)
        }
        if connection.current != nil, connection.ticket == ticket { connection.task = task }
    }

    /// Brings a handler's answer to its connection, then runs its stream if it has one.
    private func deliver(_ response: HTTPResponse, _ ticket: Ticket) async {
        guard case .stream(let stream) = response.body else {
            if isOnLoopThread {
                answer(ticket, response, nil, inline: true)
            } else {
                mailbox.post(.answer(ticket, response, nil), fromLoop: false)
            }
            return
        }
        let sink = StreamSink(limit: configuration.streamBufferBytes) { [weak self] in
            guard let self else { return }
            mailbox.post(.streamReady(ticket), fromLoop: isOnLoopThread)
        }
        mailbox.post(.answer(ticket, response, sink), fromLoop: isOnLoopThread)
        guard await sink.opens() else { return }
        do {
            try await stream.produce(HTTPBodyWriter(sink))
            sink.finish(.complete)
        } catch {
            sink.finish(.failed)
        }
    }

    /// Hands an answer to the state machine. Inline, the caller is ``progress(_:)``, which goes on by itself.
    func answer(_ ticket: Ticket, _ response: HTTPResponse, _ sink: StreamSink?, inline: Bool) {
        guard let connection = table[ticket.connection], connection.number == ticket.number,
            connection.current != nil
        else {
            sink?.close()
            return
        }
        now = time.now
        connection.current?.status = response.status
        connection.current?.responseBytes = response.bytes?.count ?? 0
        let stream = connection.machine.respond(response, now: now, date: date)
        if stream != nil, let sink {
            connection.sink = sink
            sink.open()
        } else {
            sink?.close()
            connection.task = nil
            finish(connection, complete: !response.isCut)
        }
        if !inline { resume(connection) }
    }

    /// Takes what a stream's writer has written.
    func pump(_ ticket: Ticket) {
        guard let connection = table[ticket.connection], connection.number == ticket.number,
            let sink = connection.sink
        else { return }
        now = time.now
        let delivery = sink.take(unsent: connection.machine.unsentCount)
        for piece in delivery.pieces {
            connection.current?.responseBytes += piece.count
            connection.machine.writeBody(piece)
        }
        if let end = delivery.end {
            connection.sink = nil
            connection.task = nil
            if end == .complete {
                connection.machine.endBody(now: now)
            } else {
                connection.machine.abortBody(now: now)
            }
            finish(connection, complete: end == .complete)
        }
        resume(connection)
    }

    /// The request in hand is over, with a whole answer or without.
    func finish(_ connection: Connection, complete: Bool) {
        guard let current = connection.current.take() else { return }
        counters.inFlight.wrappingSubtract(1, ordering: .relaxed)
        if !complete { counters.abandoned.wrappingAdd(1, ordering: .relaxed) }
        guard let observer else { return }
        let exchange = HTTPExchange(
            method: current.method, target: current.target, status: current.status,
            duration: current.receivedAt.duration(to: now), requestBytes: current.requestBytes,
            responseBytes: current.responseBytes)
        observer(complete ? .answered(exchange) : .abandoned(exchange))
    }
}

extension HTTPResponse {
    fileprivate var isCut: Bool {
        if case .cut = body { true } else { false }
    }
}

import Clocks

extension HTTPServerConnection {
    /// Takes bytes from the socket.
    package mutating func receive(_ bytes: UnsafeBufferPointer<UInt8>, now: MonotonicInstant) {
        guard !bytes.isEmpty else { return }
        switch phase {
        case .closing, .lingering, .resetting, .closed: return
        case .idle: beginHead(now: now)
        case .head, .body, .handling, .streaming: break
        }
        input.append(bytes)
    }

    /// Takes the client's end of stream: nothing more will come, but it may still read.
    package mutating func receiveEnd(now: MonotonicInstant) {
        guard !clientEnded else { return }
        clientEnded = true
        switch phase {
        case .handling: phaseDeadline = now.advanced(by: limits.halfCloseGrace)
        case .streaming: wantsHandlerCancelled = true
        case .idle: close(now: now)
        case .head, .body, .closing, .lingering, .resetting, .closed: break
        }
    }

    /// Ends what has waited long enough; before the deadline this does nothing.
    package mutating func reachDeadline(now: MonotonicInstant, date: HTTPDate) {
        if output.deadline <= now {
            reset()
            return
        }
        guard phaseDeadline <= now else { return }
        phaseDeadline = .distantFuture
        switch phase {
        case .idle: close(now: now)
        case .head, .body: refuse(.timeout, now: now, date: date)
        case .handling: wantsHandlerCancelled = true
        case .lingering: clientEnded = true
        case .streaming, .closing, .resetting, .closed: break
        }
    }

    /// What to do next; nil when there is nothing until something else happens.
    package mutating func nextAction(now: MonotonicInstant, date: HTTPDate) -> Action? {
        while true {
            switch phase {
            case .idle, .closed:
                return nil
            case .head:
                // A client that does not read its answers gets no further request begun.
                guard output.count <= limits.bufferedOutputBytes else { return nil }
                guard advanceHead(now: now, date: date) else { return nil }
            case .body:
                guard advanceBody(now: now, date: date) else { return nil }
                if let request = takeRequest(now: now) { return .handle(request) }
            case .handling, .streaming:
                guard wantsHandlerCancelled else { return nil }
                wantsHandlerCancelled = false
                return .cancelHandler
            case .closing:
                guard output.isEmpty else { return nil }
                if resetsWhenSent {
                    phase = .closed
                    return .close(reset: true)
                }
                phase = clientEnded ? .closed : .lingering
                phaseDeadline = now.advanced(by: lingerTimeout)
                return clientEnded ? .close(reset: false) : .endOutput
            case .lingering:
                guard clientEnded else { return nil }
                phase = .closed
                return .close(reset: false)
            case .resetting:
                phase = .closed
                return .close(reset: true)
            }
        }
    }

    private mutating func beginHead(now: MonotonicInstant) {
        phase = .head
        phaseDeadline = now.advanced(by: limits.headTimeout)
        headReader = HeadReader()
    }

    /// Reads on in the head; false when more bytes are needed.
    private mutating func advanceHead(now: MonotonicInstant, date: HTTPDate) -> Bool {
        do throws(HTTPRefusal) {
            // Taken out and put back, so that the fields read so far have one owner and are not copied.
            var reader = headReader
            headReader = HeadReader()
            let limits = limits
            defer { headReader = reader }
            let progress = try input.withBytes { bytes throws(HTTPRefusal) in
                try reader.read(bytes, limits: limits)
            }
            guard case .complete(let finished) = progress else {
                guard clientEnded else { return false }
                throw .malformed
            }
            input.consume(reader.length)
            begin(finished, now: now)
        } catch {
            exchange.isHead = headReader.method == .head
            refuse(error, now: now, date: date)
        }
        return true
    }

    private mutating func begin(_ finished: RequestHead, now: MonotonicInstant) {
        exchange = Exchange(
            isHead: finished.method == .head, version: finished.version, keepAlive: finished.keepAlive)
        bodyReader = BodyReader(finished.framing)
        if finished.expectsContinue, finished.framing != .none {
            output.append("HTTP/1.1 100 Continue\r\n\r\n")
        }
        head = finished
        phase = .body
        phaseDeadline = now.advanced(by: limits.bodyTimeout)
    }

    /// Reads on in the body; false when more bytes are needed.
    private mutating func advanceBody(now: MonotonicInstant, date: HTTPDate) -> Bool {
        do throws(HTTPRefusal) {
            if !bodyReader.isComplete {
                var reader = bodyReader
                bodyReader = BodyReader(.none)
                let limits = limits
                defer { bodyReader = reader }
                let length = try input.withBytes { bytes throws(HTTPRefusal) in
                    try reader.read(bytes, limits: limits)
                }
                input.consume(length)
                guard reader.isComplete else {
                    guard clientEnded else { return false }
                    throw .malformed
                }
            }
        } catch {
            refuse(error, now: now, date: date)
        }
        return true
    }

    /// Hands out the request whose body is complete; nil when the body was refused.
    private mutating func takeRequest(now: MonotonicInstant) -> HTTPRequest? {
        guard phase == .body, let head = head.take() else { return nil }
        phase = .handling
        phaseDeadline = clientEnded ? now.advanced(by: limits.halfCloseGrace) : .distantFuture
        let body = bodyReader.body
        bodyReader = BodyReader(.none)
        return HTTPRequest(
            method: head.method, target: head.target, version: head.version, fields: head.fields, body: body,
            receivedAt: now)
    }

    /// Goes on after a complete answer: the next request that has begun to arrive, or waiting for one.
    mutating func finishExchange(now: MonotonicInstant) {
        wantsHandlerCancelled = false
        if !exchange.keepAlive || clientEnded && input.isEmpty {
            close(now: now)
        } else if input.isEmpty {
            // The idle time counts from the answer's last byte: `didSend` sets its deadline.
            phase = .idle
            phaseDeadline = .distantFuture
        } else {
            beginHead(now: now)
        }
    }

    /// No more requests: what waits is sent, then our side ends.
    mutating func close(now: MonotonicInstant) {
        phase = .closing
        phaseDeadline = .distantFuture
        input.discard()
        head = nil
        bodyReader = BodyReader(.none)
    }

    /// Cuts the connection without sending what waits.
    mutating func reset() {
        phase = .resetting
        phaseDeadline = .distantFuture
        output.discard()
        input.discard()
    }
}

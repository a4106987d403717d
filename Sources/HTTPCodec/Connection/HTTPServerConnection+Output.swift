import Clocks

extension HTTPServerConnection {
    /// Sends the handler's answer.
    ///
    /// - Returns: the stream to run when the answer has one and its body is to be sent; a `HEAD` has none.
    package mutating func respond(
        _ response: HTTPResponse, now: MonotonicInstant, date: HTTPDate
    ) -> HTTPBodyStream? {
        switch phase {
        case .handling: break
        case .resetting, .closed: return nil
        case .idle, .head, .body, .streaming, .closing, .lingering:
            preconditionFailure("an answer without a request in hand")
        }
        phaseDeadline = .distantFuture
        switch response.body {
        case .bytes(let body):
            writeHead(response, length: body.count, date: date)
            if sendsBody(response.status) { output.append(body) }
            finishExchange(now: now)
            return nil
        case .stream(let stream):
            exchange.isChunked = exchange.version == .http11
            if !exchange.isChunked { exchange.keepAlive = false }
            writeHead(response, length: nil, date: date)
            guard sendsBody(response.status) else {
                finishExchange(now: now)
                return nil
            }
            phase = .streaming
            if clientEnded { wantsHandlerCancelled = true }
            return stream
        case .cut(let cut):
            writeCut(response, cut, date: date)
            close(now: now)
            resetsWhenSent = cut.reset
            return nil
        }
    }

    /// Sends as much of an answer as is to be sent before the connection ends.
    private mutating func writeCut(_ response: HTTPResponse, _ cut: HTTPCut, date: HTTPDate) {
        guard let part = cut.sentPart, sendsBody(response.status) else { return }
        writeHead(response, length: cut.body.count, date: date)
        output.append(Array(part))
    }

    /// Sends a piece of the streamed body; ignored once the connection is being cut.
    package mutating func writeBody(_ bytes: [UInt8]) {
        guard phase == .streaming, !bytes.isEmpty else { return }
        guard output.count + bytes.count <= limits.unsentBytes else { return reset() }
        if exchange.isChunked {
            output.append(bytes.count, radix: 16)
            output.append("\r\n")
            output.append(bytes)
            output.append("\r\n")
        } else {
            output.append(bytes)
        }
    }

    /// Completes the streamed body.
    package mutating func endBody(now: MonotonicInstant) {
        guard phase == .streaming else { return }
        if exchange.isChunked { output.append("0\r\n\r\n") }
        finishExchange(now: now)
    }

    /// Gives the streamed body up: the client sees that it is not complete.
    package mutating func abortBody(now: MonotonicInstant) {
        guard phase == .streaming else { return }
        // Without the last chunk the end shows that something is missing; without chunks only a reset does.
        if exchange.isChunked { close(now: now) } else { reset() }
    }

    mutating func refuse(_ refusal: HTTPRefusal, now: MonotonicInstant, date: HTTPDate) {
        exchange.keepAlive = false
        self.refusal = refusal
        let response = refusal.response(limits: limits)
        writeHead(response, length: response.bytes?.count ?? 0, date: date)
        if sendsBody(response.status), let body = response.bytes { output.append(body) }
        close(now: now)
    }

    private func sendsBody(_ status: HTTPStatus) -> Bool { !exchange.isHead && !status.forbidsBody }

    private mutating func writeHead(_ response: HTTPResponse, length: Int?, date: HTTPDate) {
        if draining || clientEnded && input.isEmpty { exchange.keepAlive = false }
        let status = response.status
        if status.code == 200 {
            output.append("HTTP/1.1 200 OK\r\nDate: ")
        } else {
            output.append("HTTP/1.1 ")
            output.append(status.code)
            output.append(UInt8(ascii: " "))
            output.append(Array(status.reason.utf8))
            output.append("\r\nDate: ")
        }
        output.append(date.text)
        output.append("\r\n")
        var asksToClose = false
        var buffer = OutputBuffer()
        swap(&buffer, &output)
        response.fields.forEach { name, value in
            switch name.count {
            case 4 where name.equalsIgnoringCase("date"), 14 where name.equalsIgnoringCase("content-length"),
                17 where name.equalsIgnoringCase("transfer-encoding"):
                return
            case 10 where name.equalsIgnoringCase("connection"):
                asksToClose = asksToClose || value.listContains("close")
                return
            default: break
            }
            buffer.append(name)
            buffer.append(": ")
            buffer.append(value)
            buffer.append("\r\n")
        }
        swap(&buffer, &output)
        if asksToClose { exchange.keepAlive = false }
        if let length {
            if status.code >= 200, status.code != 204, status.code != 304 {
                output.append("Content-Length: ")
                output.append(length)
                output.append("\r\n")
            }
        } else if exchange.isChunked, !status.forbidsBody {
            output.append("Transfer-Encoding: chunked\r\n")
        }
        if !exchange.keepAlive {
            output.append("Connection: close\r\n")
        } else if exchange.version == .http10 {
            output.append("Connection: keep-alive\r\n")
        }
        output.append("\r\n")
    }
}

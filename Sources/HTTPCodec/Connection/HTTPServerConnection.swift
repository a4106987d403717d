import Clocks

/// The server's side of one HTTP/1.1 connection, without I/O and without a clock.
///
/// A shell feeds it what the socket gives (``receive(_:now:)``, ``receiveEnd(now:)``), what the handler answers
/// (``respond(_:now:date:)``, ``writeBody(_:)``, ``endBody(now:)``, ``abortBody()``) and the time
/// (``reachDeadline(now:date:)``). After each of these it performs ``nextAction(now:date:)`` until that is nil, sends
/// ``withUnsent(_:)`` and calls ``didSend(_:now:)``.
///
/// Requests are handed out one at a time, in order; the next is begun when the answer to the one before is complete.
package struct HTTPServerConnection: Sendable {
    /// What the shell has to do.
    package enum Action: Sendable {
        /// Run the handler; its answer comes back through `respond`.
        case handle(HTTPRequest)
        /// The client is gone: cancel the handler's task. Its answer is still sent should it come.
        case cancelHandler
        /// All has been sent: end our side of the stream, go on reading.
        case endOutput
        /// Close the socket. With `reset`, so that the client cannot take a cut answer for a whole one.
        case close(reset: Bool)
    }

    /// Each phase, what it waits for, and where it can go.
    enum Phase: Hashable {
        /// No byte of a request is there. → `head`, `closing` (idle too long, drain, end of stream).
        case idle
        /// A head has begun. → `body`, `handling`, `closing` (refused, too late).
        case head
        /// A body has begun. → `handling`, `closing` (refused, too late).
        case body
        /// A handler works on the request. → `streaming`, `idle`, `head`, `closing` (last answer, answer cut).
        case handling
        /// A handler writes the body of its answer. → `idle`, `head`, `closing`, `resetting`.
        case streaming
        /// The last answer, or the part of it that is to be seen, is being sent; what arrives is dropped. → `lingering`,
        /// `closed`.
        case closing
        /// Our side has ended; what arrives is dropped. → `closed`.
        case lingering
        /// The socket must be cut. → `closed`.
        case resetting
        /// The shell has been told to close the socket; nothing is accepted any more.
        case closed
    }

    /// What of the request in hand matters to its answer.
    struct Exchange: Sendable {
        var isHead = false
        var version = HTTPVersion.http11
        var keepAlive = true
        var isChunked = false
    }

    let limits: HTTPLimits
    var phase = Phase.idle
    /// When the phase ends by itself.
    var phaseDeadline: MonotonicInstant
    var input = InputBuffer()
    var output = OutputBuffer()
    var headReader = HeadReader()
    var bodyReader = BodyReader(.none)
    var head: RequestHead?
    var exchange = Exchange()
    var clientEnded = false
    var lingerTimeout: Duration
    var draining = false
    var wantsHandlerCancelled = false
    /// Whether the connection, once `closing` has sent what it has, is cut instead of ended.
    var resetsWhenSent = false
    /// Why the connection answered by itself, if it did; it does so once, at the end.
    package internal(set) var refusal: HTTPRefusal?

    package init(limits: HTTPLimits, now: MonotonicInstant) {
        self.limits = limits
        lingerTimeout = limits.lingerTimeout
        phaseDeadline = now.advanced(by: limits.idleTimeout)
    }

    /// When ``reachDeadline(now:date:)`` must be called at the latest.
    package var deadline: MonotonicInstant { min(phaseDeadline, output.deadline) }

    /// Whether the shell should read from the socket; false while enough is buffered behind a request in hand.
    package var wantsInput: Bool { !clientEnded && input.count < limits.bufferedInputBytes }

    /// Bytes that wait to be sent.
    package var unsentCount: Int { output.count }

    /// Whether nothing is under way: no request begun, no answer left to send.
    package var isIdle: Bool { phase == .idle && output.isEmpty }

    /// Calls `body` with the bytes that wait to be sent.
    package func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        output.withUnsent(body)
    }

    /// Takes note that the socket took `count` bytes and, if some are left, takes no more for now.
    package mutating func didSend(_ count: Int, now: MonotonicInstant) {
        output.didSend(count, now: now, timeout: limits.sendTimeout)
        if phase == .idle, output.isEmpty { phaseDeadline = now.advanced(by: limits.idleTimeout) }
    }

    /// From now on answers say `Connection: close`; an idle connection closes at once.
    package mutating func drain(now: MonotonicInstant) {
        draining = true
        if phase == .idle {
            close(now: now)
            // No answer is on its way that a reset could destroy; a client that keeps the connection for later must not
            // hold up the end of the server.
            lingerTimeout = min(lingerTimeout, limits.idleLingerTimeout)
        }
    }
}

/// Bytes that arrived and were not looked at yet.
struct InputBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var start = 0

    private static let keptCapacity = 4096

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ content: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: content)
    }

    mutating func consume(_ count: Int) {
        start += count
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
            start = 0
        } else if start > 16 * 1024 {
            bytes.removeSubrange(..<start)
            start = 0
        }
    }

    mutating func discard() {
        bytes = []
        start = 0
    }

    func withBytes<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(HTTPRefusal) -> Result
    ) throws(HTTPRefusal) -> Result {
        try bytes.withUnsafeBufferPointer { bytes throws(HTTPRefusal) in
            try body(UnsafeBufferPointer(rebasing: bytes[start...]))
        }
    }
}

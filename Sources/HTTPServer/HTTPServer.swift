import Clocks
import Glibc
import HTTPCodec
import Synchronization

/// What answers a request. It is cancelled when the client is gone or a drain reaches its deadline.
///
/// It starts on the server's loop thread and leaves it when it first suspends; until then every other connection waits,
/// so what computes for long belongs into a `@concurrent` function.
package typealias HTTPHandler = @Sendable (HTTPRequest) async -> HTTPResponse

/// An HTTP/1.1 server: one socket, one thread, any number of connections up to a limit.
///
/// ``bind()`` reserves the port, ``listen()`` lets clients connect, ``run()`` serves them until ``drain(deadline:)`` or
/// until its task is cancelled. Two servers share nothing: one answers while the other's handlers are stuck.
package final class HTTPServer: Sendable {
    private struct State {
        var listener: Listener?
        var port: Int?
        var isListening = false
        var hasRun = false
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let configuration: HTTPServerConfiguration
    private let time: any TimeSource
    private let counters = ServerCounters()
    private let loop: EventLoop
    private let state = Mutex(State())

    /// - Throws: when the kernel gives no epoll set or event, that is when descriptors have run out.
    package init(
        configuration: HTTPServerConfiguration, time: any TimeSource = SystemTime(),
        observer: (@Sendable (HTTPServerEvent) -> Void)? = nil, handler: @escaping HTTPHandler
    ) throws(HTTPServerError) {
        self.configuration = configuration
        self.time = time
        loop = try EventLoop(
            configuration: configuration, time: time, handler: handler, observer: observer, counters: counters,
            mailbox: Mailbox())
    }

    /// A snapshot of the server's counters.
    package var statistics: HTTPServerStatistics { counters.snapshot }

    /// Reserves the port without listening: clients are still refused. Does nothing the second time.
    ///
    /// - Returns: the port, also when the kernel was to choose.
    @discardableResult
    package func bind() throws(HTTPServerError) -> Int {
        try state.withLock { state throws(HTTPServerError) in
            if let port = state.port { return port }
            let listener = try Listener(host: configuration.host, port: configuration.port)
            let port = listener.port
            state.port = port
            state.listener = listener
            return port
        }
    }

    /// Lets clients connect; they are answered once the server runs. Binds first where that has not been done.
    ///
    /// - Returns: the port.
    @discardableResult
    package func listen() throws(HTTPServerError) -> Int {
        let port = try bind()
        try state.withLock { state throws(HTTPServerError) in
            guard !state.isListening else { return }
            try state.listener?.listen(backlog: configuration.backlog)
            state.isListening = true
        }
        return port
    }

    /// Serves until a drain is complete; cancelling the task drains with a deadline that has passed.
    ///
    /// Listens first where that has not been done. Can be called once.
    package func run() async throws(HTTPServerError) {
        try listen()
        guard let listener = takeListener() else { return }
        await withTaskCancellationHandler {
            await serve(listener)
        } onCancel: {
            loop.mailbox.post(.drain(deadline: MonotonicInstant(nanoseconds: .min)), fromLoop: false)
        }
    }

    /// Stops accepting, closes idle connections, lets running requests finish with `Connection: close`, cancels at the
    /// deadline those that did not, and returns when no connection is left.
    package func drain(deadline: MonotonicInstant) async {
        let isRunning = state.withLock { state in
            if !state.hasRun {
                state.hasRun = true
                state.isFinished = true
                state.listener = nil
            }
            return !state.isFinished
        }
        guard isRunning else { return }
        loop.mailbox.post(.drain(deadline: deadline), fromLoop: false)
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    private func takeListener() -> Listener? {
        state.withLock { state in
            guard !state.hasRun else { return nil }
            state.hasRun = true
            return state.listener.take()
        }
    }

    /// Runs the loop on a thread of its own and returns when it has ended.
    private func serve(_ listener: Listener) async {
        let loop = loop
        await withCheckedContinuation { continuation in
            LoopThread.start(name: configuration.threadName) {
                loop.run(listener)
                continuation.resume()
            }
        }
        let waiters = state.withLock { state in
            state.isFinished = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

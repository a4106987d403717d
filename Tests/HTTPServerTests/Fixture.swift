import Clocks
import HTTPCodec
import HTTPServer
import Synchronization

/// Runs a server on a port of the kernel's choice around `body`, then drains it.
func withServer(
    _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(host: "127.0.0.1"),
    time: any TimeSource = SystemTime(), observer: (@Sendable (HTTPServerEvent) -> Void)? = nil,
    handler: @escaping HTTPHandler, _ body: (HTTPServer, Int) async throws -> Void
) async throws {
    let server = try HTTPServer(configuration: configuration, time: time, observer: observer, handler: handler)
    let port = try server.listen()
    let running = Task { try await server.run() }
    do {
        try await body(server, port)
    } catch {
        await server.drain(deadline: MonotonicInstant(nanoseconds: .min))
        throw error
    }
    await server.drain(deadline: MonotonicInstant(nanoseconds: .min))
    try await running.value
}

/// Something that happens once and can be waited for.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state = Mutex(State())

    var isRaised: Bool { state.withLock { $0.isRaised } }

    func raise() {
        let waiters = state.withLock { state in
            state.isRaised = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once raised; throws when the task is cancelled before.
    func wait() async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { state in
                    if state.isRaised {
                        continuation.resume()
                    } else if state.cancelled.contains(id) {
                        continuation.resume(throwing: CancellationError())
                    } else {
                        state.waiters[id] = continuation
                    }
                }
            }
        } onCancel: {
            state.withLock { state in
                state.cancelled.insert(id)
                return state.waiters.removeValue(forKey: id)
            }?.resume(throwing: CancellationError())
        }
    }
}

/// A value several threads write to.
final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func update(_ change: (inout Value) -> Void) { state.withLock { change(&$0) } }
}

/// A clock that stands still until it is moved.
final class HandClock: TimeSource {
    private let state = Mutex(MonotonicInstant(nanoseconds: 1_000_000_000))
    var now: MonotonicInstant { state.withLock { $0 } }
    var wallNow: Timestamp { Timestamp(microseconds: 784_111_777_000_000) }
    func advance(by duration: Duration) { state.withLock { $0 = $0.advanced(by: duration) } }
    func sleep(until deadline: MonotonicInstant) async throws { fatalError("nobody sleeps on this clock") }
}

func text(_ text: String) -> HTTPResponse {
    HTTPResponse(contentType: "text/plain", bytes: Array(text.utf8))
}

/// Leaves the thread it is on: what follows runs on the pool.
func hop() async { await Task.yield() }

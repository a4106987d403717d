import CLinux
import Clocks
import Glibc
import HTTPCodec
import Synchronization

/// What other threads ask of the loop.
enum LoopMessage: Sendable {
    /// A handler that left the loop thread has its answer; a streamed one comes with the sink of its writer.
    case answer(Ticket, HTTPResponse, StreamSink?)
    /// A stream's writer has put something into its sink.
    case streamReady(Ticket)
    case drain(deadline: MonotonicInstant)

    /// Tells a writer who would wait for the loop that nobody is there.
    func discard() {
        if case .answer(_, _, let sink) = self { sink?.close() }
    }
}

/// Which request of which connection; a late answer to a connection that is gone finds nobody.
struct Ticket: Sendable, Hashable {
    var connection: UInt64
    var number: UInt32
}

/// Messages to the loop, and the event that wakes it.
final class Mailbox: Sendable {
    private struct State {
        var messages: [LoopMessage] = []
        /// Whether the loop has been or will be woken for what is in the box.
        var isSignalled = false
        var isClosed = false
    }

    /// Watched by the loop; lives as long as anybody who could write to it.
    let event: Int32
    private let state = Mutex(State())

    init() throws(HTTPServerError) {
        event = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard event >= 0 else { throw .system(call: "eventfd", code: errno) }
    }

    deinit { Glibc.close(event) }

    var holdsMessages: Bool { state.withLock { !$0.messages.isEmpty } }

    /// Puts a message in; wakes the loop unless that is under way, or the loop itself is posting.
    func post(_ message: LoopMessage, fromLoop: Bool) {
        let (isClosed, mustSignal) = state.withLock { state in
            guard !state.isClosed else { return (true, false) }
            state.messages.append(message)
            guard !state.isSignalled, !fromLoop else { return (false, false) }
            state.isSignalled = true
            return (false, true)
        }
        if isClosed { message.discard() }
        guard mustSignal else { return }
        var one: UInt64 = 1
        _ = write(event, &one, 8)
    }

    /// The loop is gone: what is in the box, and what still comes, is for nobody.
    func close() {
        let left = state.withLock { state in
            state.isClosed = true
            return exchange(&state.messages, with: [])
        }
        for message in left { message.discard() }
    }

    /// Takes all messages out, in order; `signalled` says that the event has fired and is to be cleared.
    func take(signalled: Bool) -> [LoopMessage] {
        if signalled {
            var count: UInt64 = 0
            _ = read(event, &count, 8)
        }
        return state.withLock { state in
            if signalled { state.isSignalled = false }
            return exchange(&state.messages, with: [])
        }
    }
}

private func exchange<Value>(_ place: inout Value, with value: Value) -> Value {
    let old = place
    place = value
    return old
}

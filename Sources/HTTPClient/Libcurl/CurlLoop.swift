import CLibcurl
import Clocks
import Synchronization

/// The thread that owns libcurl's multi handle, and the inbox through which all others reach it.
///
/// `@unchecked Sendable`: of the stored properties only `handle` is not sendable by itself. It is made in `init` and freed
/// in `deinit`, when no thread has a reference any more; in between `curl_multi_wakeup`, which libcurl documents as
/// thread-safe, is all that other threads call on it.
final class CurlLoop: @unchecked Sendable {
    private struct Inbox {
        var calls: [CurlCall] = []
        var cancellations: [CallID] = []
        var isClosing = false
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: HTTPClientConfiguration
    let time: any TimeSource
    let handle: UnsafeMutableRawPointer
    private let inbox = Mutex(Inbox())
    /// Whether the loop has been woken and has not looked yet: one wake-up then serves all.
    private let isWoken = Atomic(false)
    private let published = Mutex(HTTPClientStatistics())

    init(configuration: HTTPClientConfiguration, time: any TimeSource) {
        _ = Self.globalInitialisation
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl cannot make a multi handle") }
        self.configuration = configuration
        self.time = time
        handle = multi
        curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.idleConnections)
        CurlThread.start(name: "http-client") { [self] in
            var worker = CurlWorker(loop: self)
            worker.run()
        }
    }

    deinit {
        curl_multi_cleanup(handle)
    }

    /// Not thread-safe in libcurl, and for the whole process: done once, before the first handle.
    private static let globalInitialisation: CURLcode = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    var statistics: HTTPClientStatistics { published.withLock { $0 } }

    /// Hands in the call; its continuation is resumed by the loop, or here when the loop is closing.
    func submit(_ call: CurlCall) {
        let isAccepted = inbox.withLock { inbox in
            guard !inbox.isClosing else { return false }
            inbox.calls.append(call)
            return true
        }
        if isAccepted { wake() } else { call.continuation.resume(returning: .failure(Self.shutDownError(call))) }
    }

    func cancel(_ ticket: CallTicket) {
        ticket.cancel()
        inbox.withLock { $0.cancellations.append(ticket.id) }
        wake()
    }

    /// Fails what is pending and returns when the thread has let go of everything.
    func close() async {
        await withCheckedContinuation { continuation in
            let isClosed = inbox.withLock { inbox in
                inbox.isClosing = true
                if !inbox.isClosed { inbox.waiters.append(continuation) }
                return inbox.isClosed
            }
            if isClosed { continuation.resume() } else { wake() }
        }
    }

    /// Begins to close without waiting for it.
    func abandon() {
        inbox.withLock { $0.isClosing = true }
        wake()
    }

    private func wake() {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        curl_multi_wakeup(handle)
    }

    static func shutDownError(_ call: CurlCall) -> HTTPClientError {
        HTTPClientError(
            .shutDown, sent: .certainlyNotSent, authority: call.authority, detail: "the client was shut down")
    }
}

/// What the worker calls, on its thread.
extension CurlLoop {
    struct Delivery {
        var calls: [CurlCall]
        var cancellations: [CallID]
        var isClosing: Bool
    }

    func takeDelivery() -> Delivery {
        // First the flag, then the inbox: what is put in after this look wakes the loop again.
        isWoken.store(false, ordering: .sequentiallyConsistent)
        return inbox.withLock { inbox in
            defer {
                inbox.calls = []
                inbox.cancellations = []
            }
            return Delivery(calls: inbox.calls, cancellations: inbox.cancellations, isClosing: inbox.isClosing)
        }
    }

    func publish(_ statistics: HTTPClientStatistics) {
        published.withLock { $0 = statistics }
    }

    func finishClosing() {
        let waiters = inbox.withLock { inbox in
            inbox.isClosed = true
            defer { inbox.waiters = [] }
            return inbox.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

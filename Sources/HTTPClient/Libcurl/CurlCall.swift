import Clocks
import Synchronization

/// What a caller waits for.
typealias CallResult = Result<HTTPClientResponse, HTTPClientError>

/// A call on its way through the loop.
struct CurlCall: Sendable {
    let ticket: CallTicket
    let request: HTTPClientRequest
    let authority: String
    let deadline: MonotonicInstant
    let continuation: CheckedContinuation<CallResult, Never>
}

/// What caller and loop share about a call from before it is submitted.
final class CallTicket: Sendable {
    let id: CallID
    /// Set before the loop is told, so that a cancellation that overtakes its call is not lost.
    private let cancelled = Atomic(false)

    init(id: CallID) {
        self.id = id
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func cancel() {
        cancelled.store(true, ordering: .releasing)
    }
}

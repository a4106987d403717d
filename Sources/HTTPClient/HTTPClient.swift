import Clocks
import Synchronization

/// Sends requests over HTTP/1.1 and keeps connections alive between them; libcurl on one thread does the work.
///
/// Nothing is followed, retried or decompressed: what is asked is asked once, and the answer is the server's.
package final class HTTPClient: Sendable {
    private let loop: CurlLoop
    private let nextID = Atomic<UInt64>(0)

    /// Starts the client's thread; it ends with ``shutdown()``, or when the client is released.
    package init(configuration: HTTPClientConfiguration = HTTPClientConfiguration(), time: any TimeSource) {
        loop = CurlLoop(configuration: configuration, time: time)
    }

    deinit {
        loop.abandon()
    }

    package var statistics: HTTPClientStatistics { loop.statistics }

    /// Sends the request and returns the complete answer, whatever its status.
    ///
    /// The deadline counts from the call on, also while the request waits for a connection. Cancelling the task ends the
    /// request at once, also before it was begun.
    /// - Throws: ``HTTPClientError``, which says whether the server may have seen the request.
    package func execute(
        _ request: HTTPClientRequest, deadline: MonotonicInstant
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let authority = try request.authority()
        let ticket = CallTicket(id: nextID.wrappingAdd(1, ordering: .relaxed).newValue)
        let result: CallResult = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(
                    CurlCall(
                        ticket: ticket, request: request, authority: authority, deadline: deadline,
                        continuation: continuation))
            }
        } onCancel: {
            loop.cancel(ticket)
        }
        return try result.get()
    }

    /// Returns when the task is cancelled and the client has shut down.
    package func run() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        await shutdown()
    }

    /// Fails what is pending, closes the connections and ends the thread; later requests fail too.
    package func shutdown() async {
        await loop.close()
    }
}

import Synchronization

/// A snapshot of a server's counters; the totals only grow.
package struct HTTPServerStatistics: Sendable, Hashable {
    package var openConnections: Int
    package var acceptedConnections: Int
    package var requestsInFlight: Int
    package var requests: Int
    /// Requests the codec answered by itself.
    package var refused: Int
    /// Requests whose client was gone before the answer was complete.
    package var abandoned: Int
}

/// The live counters; written by the loop thread, read by anyone.
final class ServerCounters: Sendable {
    let open = Atomic<Int>(0)
    let accepted = Atomic<Int>(0)
    let inFlight = Atomic<Int>(0)
    let requests = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let abandoned = Atomic<Int>(0)

    var snapshot: HTTPServerStatistics {
        HTTPServerStatistics(
            openConnections: open.load(ordering: .relaxed), acceptedConnections: accepted.load(ordering: .relaxed),
            requestsInFlight: inFlight.load(ordering: .relaxed), requests: requests.load(ordering: .relaxed),
            refused: refused.load(ordering: .relaxed), abandoned: abandoned.load(ordering: .relaxed))
    }
}

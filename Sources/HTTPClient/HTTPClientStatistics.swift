/// What a client is doing and has done.
package struct HTTPClientStatistics: Hashable, Sendable {
    /// Requests that are under way.
    package var running = 0
    /// Requests that wait for a connection.
    package var queued = 0
    /// Requests that ended, with or without an answer.
    package var finished: UInt64 = 0
    /// Connections that were opened; far fewer than requests as long as servers keep them alive.
    package var connectionsOpened: UInt64 = 0
}

/// A body that is written while it is sent, such as server-sent events.
///
/// The server sends the head, then runs `produce` in the handler's task; returning ends the body, throwing cuts the
/// connection so that the client sees a truncated answer and not a complete one. When the client goes away the task is
/// cancelled and the next write throws.
package struct HTTPBodyStream: Sendable {
    package let produce: @Sendable (HTTPBodyWriter) async throws -> Void

    package init(_ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
        self.produce = produce
    }
}

/// Where the producer of a body stream puts its bytes.
package struct HTTPBodyWriter: Sendable {
    private let sink: any HTTPBodySink

    package init(_ sink: any HTTPBodySink) {
        self.sink = sink
    }

    /// Hands `bytes` to the connection; suspends while the client has not read enough of what was written before.
    ///
    /// - Throws: ``HTTPBodyStreamError`` once the connection is gone or the task is cancelled.
    package func write(_ bytes: [UInt8]) async throws(HTTPBodyStreamError) {
        guard !bytes.isEmpty else { return }
        try await sink.write(bytes)
    }

    /// Hands the UTF-8 bytes of `text` to the connection.
    package func write(_ text: String) async throws(HTTPBodyStreamError) {
        try await write(Array(text.utf8))
    }
}

/// What stands behind an ``HTTPBodyWriter``: a connection, or a buffer in a test.
package protocol HTTPBodySink: Sendable {
    func write(_ bytes: [UInt8]) async throws(HTTPBodyStreamError)
}

/// Why a body stream cannot go on.
package enum HTTPBodyStreamError: Error, Hashable, Sendable {
    /// The client closed the connection, or the server cut it at a limit or at its drain deadline.
    case connectionClosed
    /// The task that writes was cancelled.
    case cancelled
}

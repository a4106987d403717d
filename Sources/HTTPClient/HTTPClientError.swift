/// Why there is no answer, and whether the server may have seen the request all the same.
package struct HTTPClientError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// The request cannot be put on a wire; it is wrong at the caller.
        case invalidRequest
        /// Too many requests wait for a connection to this authority already.
        case queueFull
        /// The host's name has no address: check the setting and the name service.
        case nameNotResolved
        /// Nothing accepts connections there: the server is down, or the address or port is wrong.
        case connectFailed
        /// No connection within the connect timeout: the host is away, or its backlog is full.
        case connectTimedOut
        /// The TLS handshake or the server's certificate was refused.
        case tlsFailed
        /// The deadline passed; ``HTTPClientError/phase`` says where the time went.
        case deadlineExceeded
        /// The connection ended before the answer was complete.
        case connectionLost
        /// What came is no HTTP/1.1 answer.
        case malformedResponse
        /// The answer's head is larger than the client's limit.
        case headTooLarge
        /// The answer's body is larger than the client's limit.
        case bodyTooLarge
        /// The caller's task was cancelled.
        case cancelled
        /// The client was shut down.
        case shutDown
        /// libcurl failed otherwise; the detail says how.
        case transport
    }

    /// Whether the request may have had an effect.
    package enum Sent: Hashable, Sendable {
        /// Not a byte of it left: asking again, here or elsewhere, cannot do it twice.
        case certainlyNotSent
        /// Some of it may have arrived: only an idempotent request may be repeated.
        case unknown
    }

    /// How far the request had come.
    package enum Phase: Hashable, Sendable {
        /// Waiting for one of the authority's connections.
        case queued
        /// Resolving, connecting, shaking hands.
        case connecting
        /// Sending, or waiting for the answer's head.
        case waiting
        /// Reading the answer's body.
        case reading
    }

    package var code: Code
    package var sent: Sent
    package var phase: Phase
    /// Scheme, host and port of the URL; empty when it has none.
    package var authority: String
    /// What exactly happened, for people.
    package var detail: String

    package init(
        _ code: Code, sent: Sent, phase: Phase = .queued, authority: String = "", detail: String = ""
    ) {
        self.code = code
        self.sent = sent
        self.phase = phase
        self.authority = authority
        self.detail = detail
    }

    /// Whether time ran out: the caller's deadline or the connect timeout.
    package var isTimeout: Bool { code == .deadlineExceeded || code == .connectTimedOut }

    /// Whether the caller gave up by itself, which says nothing about the server.
    package var isCancellation: Bool { code == .cancelled || code == .shutDown }

    /// Whether the same request may succeed later; false for a request that is wrong, and for an answer over a limit.
    package var isRetriable: Bool {
        switch code {
        case .invalidRequest, .headTooLarge, .bodyTooLarge, .tlsFailed, .cancelled, .shutDown: false
        case .queueFull, .nameNotResolved, .connectFailed, .connectTimedOut, .deadlineExceeded, .connectionLost,
            .malformedResponse, .transport:
            true
        }
    }
}

extension HTTPClientError: CustomStringConvertible {
    package var description: String {
        let place = authority.isEmpty ? "" : " at \(authority)"
        let effect = sent == .certainlyNotSent ? "nothing was sent" : "the request may have been received"
        return "\(code)\(place) while \(phase): \(detail.isEmpty ? "no detail" : detail); \(effect)"
    }
}

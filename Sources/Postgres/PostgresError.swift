import Resilience

/// Why the database did not do what was asked, and what is known of the effect.
package enum PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server refused a statement; its transaction was rolled back.
    case server(ServerError)
    /// The connection broke. `commitUnknown` says that a commit had been sent and not been answered.
    case connectionLost(detail: String, commitUnknown: Bool)
    /// No connection could be made.
    case cannotConnect(detail: String)
    /// Every connection was busy for as long as the caller could wait; nothing was sent.
    case poolExhausted(waited: Duration)
    /// The deadline passed; `commitUnknown` as for a lost connection.
    case deadlineExceeded(commitUnknown: Bool)
    /// The task was cancelled; `commitUnknown` as for a lost connection.
    case cancelled(commitUnknown: Bool)
    /// The pool is closed; nothing was sent.
    case closed
    /// The circuit breaker of the database takes no calls; nothing was sent.
    case circuitOpen(Rejection)
    /// A value is not of the type it was read as.
    case decoding(column: String, expected: String)

    /// What the server said.
    package struct ServerError: Sendable, Hashable {
        package var sqlState: String
        package var message: String
        package var detail: String?
        package var constraint: String?

        package init(sqlState: String, message: String, detail: String? = nil, constraint: String? = nil) {
            self.sqlState = sqlState
            self.message = message
            self.detail = detail
            self.constraint = constraint
        }
    }

    package var sqlState: String? {
        guard case .server(let error) = self else { return nil }
        return error.sqlState
    }

    package var isUniqueViolation: Bool { sqlState == "23505" }
    package var isSerialisationFailure: Bool { sqlState == "40001" }
    package var isDeadlock: Bool { sqlState == "40P01" }
    package var isLockTimeout: Bool { sqlState == "55P03" }

    /// Whether the effect is unknown: a commit had been sent and not been answered.
    package var isCommitUnknown: Bool {
        switch self {
        case .connectionLost(_, let unknown), .deadlineExceeded(let unknown), .cancelled(let unknown): unknown
        default: false
        }
    }

    /// Whether trying again can help without anything being changed first. With an unknown commit that is so only for
    /// work that recognises its own repeat.
    package var isRetriable: Bool {
        switch self {
        case .connectionLost, .cannotConnect, .poolExhausted, .deadlineExceeded, .circuitOpen: true
        case .cancelled, .closed, .decoding: false
        case .server(let error):
            // Serialisation and deadlock, lock and statement timeouts, shutdown and start, resources, connections.
            ["40", "53", "55", "57", "58", "08"].contains(String(error.sqlState.prefix(2)))
                || error.sqlState == "25006"
        }
    }

    /// How long the breaker goes on refusing for certain, where it is the breaker that refused and that is known.
    package var retryAfter: Duration? {
        guard case .circuitOpen(.circuitOpen(_, _, let retryAfter)) = self else { return nil }
        return retryAfter
    }

    package var description: String {
        switch self {
        case .server(let error):
            "Postgres refused the statement (\(error.sqlState)): \(error.message)"
                + (error.detail.map { ", \($0)" } ?? "")
        case .connectionLost(let detail, let unknown):
            "the connection to Postgres was lost (\(detail)); "
                + (unknown ? "the transaction may have been committed" : "nothing was committed")
        case .cannotConnect(let detail): "no connection to Postgres could be made: \(detail)"
        case .poolExhausted(let waited): "no connection to Postgres was free for \(waited)"
        case .deadlineExceeded(let unknown):
            "Postgres did not answer before the deadline; "
                + (unknown ? "the transaction may have been committed" : "nothing was committed")
        case .cancelled(let unknown):
            "the work was cancelled; " + (unknown ? "the transaction may have been committed" : "nothing was committed")
        case .closed: "the connection pool is closed"
        case .circuitOpen(let rejection): "\(rejection); nothing was sent"
        case .decoding(let column, let expected): "the column \(column) is not \(expected)"
        }
    }
}

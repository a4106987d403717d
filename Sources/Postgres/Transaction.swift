import Clocks

/// A transaction under way, on its connection's thread.
///
/// It begins with the first statement, in the same round trip. What is not committed when its closure returns or throws is
/// rolled back, unless nothing failed: then it is committed.
package struct Transaction {
    private final class Progress {
        var hasBegun = false
        var isCommitted = false
    }

    private let session: LibpqSession
    private let options: TransactionOptions
    private let limits: LibpqSession.Limits
    private let progress = Progress()

    init(session: LibpqSession, options: TransactionOptions, limits: LibpqSession.Limits) {
        self.session = session
        self.options = options
        self.limits = limits
    }

    var hasBegun: Bool { progress.hasBegun }
    var isCommitted: Bool { progress.isCommitted }

    /// Runs one statement.
    package func execute(_ statement: Statement) throws(PostgresError) -> Rows {
        try pipeline([statement])[0]
    }

    /// Runs statements in one round trip.
    package func pipeline(_ statements: [Statement]) throws(PostgresError) -> [Rows] {
        guard !statements.isEmpty else { return [] }
        return try run(statements, commits: false)
    }

    /// Runs the last statements and commits, in one round trip.
    @discardableResult
    package func commit(after statements: [Statement] = []) throws(PostgresError) -> [Rows] {
        if statements.isEmpty, !progress.hasBegun { return [] }
        let rows = try run(statements, commits: true)
        progress.isCommitted = true
        return rows
    }

    private func run(_ statements: [Statement], commits: Bool) throws(PostgresError) -> [Rows] {
        precondition(!progress.isCommitted, "the transaction is committed")
        let prefix = progress.hasBegun ? [] : options.commands
        progress.hasBegun = true
        return try session.pipeline(prefix: prefix, statements, commits: commits, limits: limits)
    }
}

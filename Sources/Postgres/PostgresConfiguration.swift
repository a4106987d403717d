/// How to reach a database, and the bounds of working with it.
package struct PostgresConfiguration: Sendable {
    package var host: String
    package var port: Int
    package var user: String
    package var password: String?
    package var database: String
    package var applicationName: String

    /// How many connections there are at most.
    package var maximumConnections = 8
    /// How many callers may wait for a connection.
    package var queueLimit = 1000
    /// How long a caller waits for a connection, if its deadline is not sooner.
    package var acquireTimeout = Duration.seconds(5)
    /// With all connections at work and callers waiting, the server counts as hung after this long without any answer.
    package var silenceLimit = Duration.milliseconds(1500)
    /// Whole seconds, at least two.
    package var connectTimeout = Duration.seconds(3)
    /// A connection is replaced after this age, up to a tenth sooner.
    package var maximumLifetime = Duration.seconds(1800)
    /// The wait after a failed connect before the next one, doubling up to `maximumBackoff`.
    package var minimumBackoff = Duration.milliseconds(50)
    package var maximumBackoff = Duration.seconds(1)
    /// Ends statements on the server, also when this process is gone.
    package var statementTimeout = Duration.seconds(30)
    package var lockTimeout = Duration.seconds(10)
    package var idleInTransactionTimeout = Duration.seconds(30)

    package init(
        host: String, port: Int, user: String, password: String? = nil, database: String,
        applicationName: String = "holdfast"
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.database = database
        self.applicationName = applicationName
    }

    /// Plans that do not depend on how full a table was, or seemed to be, when somebody looked.
    ///
    /// Every statement of the suite finds its rows by an index. Statistics of tables that fill and empty within seconds are
    /// always old, and a plan made on an empty table reads all of it long after: that took two thirds of the server's time
    /// under load. So whole tables are read only where there is no index, and a prepared statement is planned once.
    private static let planning = ["-c enable_seqscan=off", "-c plan_cache_mode=force_generic_plan"]

    var connectionParameters: [(String, String)] {
        let options = [
            ("statement_timeout", statementTimeout), ("lock_timeout", lockTimeout),
            ("idle_in_transaction_session_timeout", idleInTransactionTimeout),
        ].map { "-c \($0.0)=\($0.1.wholeMillis)" }
        var parameters = [
            ("host", host), ("port", "\(port)"), ("user", user), ("dbname", database),
            ("application_name", applicationName), ("connect_timeout", "\(max(2, connectTimeout.components.seconds))"),
            ("client_encoding", "UTF8"), ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
            ("options", (options + Self.planning + ["-c TimeZone=UTC", "-c jit=off"]).joined(separator: " ")),
        ]
        if let password { parameters.append(("password", password)) }
        return parameters
    }
}

extension Duration {
    fileprivate var wholeMillis: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

/// What a transaction is to be like.
package struct TransactionOptions: Sendable, Hashable {
    package enum Isolation: String, Sendable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    package var isolation: Isolation
    package var isReadOnly: Bool
    /// Whether the commit waits for the disk. Without, a crash of the server loses the last commits, none in part.
    package var synchronousCommit: Bool

    package init(
        isolation: Isolation = .readCommitted, isReadOnly: Bool = false, synchronousCommit: Bool = true
    ) {
        self.isolation = isolation
        self.isReadOnly = isReadOnly
        self.synchronousCommit = synchronousCommit
    }

    /// One consistent picture for several reads.
    package static let snapshot = TransactionOptions(isolation: .repeatableRead, isReadOnly: true)

    var commands: [String] {
        var begin = "BEGIN"
        if isolation != .readCommitted { begin += " ISOLATION LEVEL \(isolation.rawValue)" }
        if isReadOnly { begin += " READ ONLY" }
        return synchronousCommit ? [begin] : [begin, "SET LOCAL synchronous_commit = off"]
    }
}

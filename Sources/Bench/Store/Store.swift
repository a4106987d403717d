import LocalStack

/// The Postgres of the stack, as its administrator sees it.
struct Store: Sendable {
    let port: Int
    /// The folder with the server's own programs.
    let programs: String

    static let databases = ServiceName.allCases.map(\.database)

    private func connection(_ database: String) -> [String] {
        ["-h", PostgresServer.host, "-p", String(port), "-U", StackPlan.databaseUser, "-d", database]
    }

    /// Runs statements and returns their rows as text, columns divided by tabs.
    @discardableResult
    func sql(_ statements: String, in database: String = "postgres") async throws(BenchError) -> String {
        try await Command.run(
            "\(programs)/psql",
            ["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"] + connection(database) + ["-c", statements])
    }

    func run(file: String, in database: String) async throws(BenchError) {
        _ = try await Command.run(
            "\(programs)/psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1"] + connection(database) + ["-f", file])
    }

    /// Runs a script with pgbench for a time.
    func pgbench(
        file: String, in database: String, clients: Int, seconds: Int
    ) async throws(BenchError) -> String {
        let connection = ["-h", PostgresServer.host, "-p", String(port), "-U", StackPlan.databaseUser]
        return try await Command.run(
            "\(programs)/pgbench",
            ["-n", "-M", "prepared", "-c", String(clients), "-j", "1", "-T", String(seconds), "-f", file] + connection
                + [database])
    }

    /// Whether statements are counted: the server has the extension loaded.
    func prepareCounting() async throws(BenchError) -> Bool {
        let loaded = try await sql("SHOW shared_preload_libraries")
        guard loaded.contains("pg_stat_statements") else { return false }
        try await sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        return true
    }

    func counters(countsStatements: Bool) async throws(BenchError) -> StoreCounters {
        let names = Self.databases.map { "'\($0)'" }.joined(separator: ", ")
        let calls =
            countsStatements
            ? """
            (SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
             WHERE d.datname IN (\(names)))
            """ : "-1"
        let row = try await sql(
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, pg_snapshot_xmax(pg_current_snapshot()), \(calls)")
        guard let counters = StoreCounters(row: row) else { throw BenchError("Postgres answers \"\(row)\"") }
        return counters
    }

    func resetStatements() async throws(BenchError) { try await sql("SELECT pg_stat_statements_reset()") }

    /// The statements that took most, by service.
    func statements(limit: Int = 40) async throws(BenchError) -> [StatementUse] {
        let names = Self.databases.map { "'\($0)'" }.joined(separator: ", ")
        let rows = try await sql(
            """
            SELECT d.datname, s.calls, s.rows, s.total_exec_time, left(regexp_replace(s.query, '\\s+', ' ', 'g'), 200)
            FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname IN (\(names))
            ORDER BY s.total_exec_time DESC LIMIT \(limit)
            """)
        return rows.split(separator: "\n").compactMap { StatementUse(row: $0) }
    }
}

/// What the database has done so far.
struct StoreCounters: Sendable, Equatable {
    /// Bytes of write-ahead log.
    var log: Int64
    /// Transactions that wrote something: those whose commit has to be durable.
    var commits: Int64
    /// Statements in the services' databases, without the ends and beginnings of transactions; nil where nobody counts.
    var statements: Int64?

    init(log: Int64, commits: Int64, statements: Int64?) {
        self.log = log
        self.commits = commits
        self.statements = statements
    }

    init?(row: String) {
        let fields = row.split { $0 == "\t" || $0 == "\n" }.compactMap { Int64($0) }
        guard fields.count == 3 else { return nil }
        self.init(log: fields[0], commits: fields[1], statements: fields[2] < 0 ? nil : fields[2])
    }
}

/// How often a statement ran, and for how long.
struct StatementUse: Sendable, Equatable {
    var database: String
    var calls: Int64
    var rows: Int64
    var milliseconds: Double
    var text: String

    init?(row: Substring) {
        let fields = row.split(separator: "\t", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 5, let calls = Int64(fields[1]), let rows = Int64(fields[2]),
            let milliseconds = Double(fields[3])
        else { return nil }
        (database, self.calls, self.rows, self.milliseconds, text) = (fields[0], calls, rows, milliseconds, fields[4])
    }
}

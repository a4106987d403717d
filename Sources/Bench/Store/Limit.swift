/// The least durable work of an order, done by Postgres alone: what all else is held against.
struct Limit: Sendable {
    static let database = "bench_limit"
    /// What one run of the script takes through the saga.
    static let batch = 50
    private static let clients = 2

    let store: Store
    /// The folder with `schema.sql` and `batch.sql`.
    let folder: String

    func prepare() async throws(BenchError) {
        let existing = try await store.sql("SELECT 1 FROM pg_database WHERE datname = '\(Self.database)'")
        if existing.isEmpty { try await store.sql("CREATE DATABASE \(Self.database) TEMPLATE template0") }
    }

    /// Runs it on empty tables.
    ///
    /// - Returns: batches in all, and batches a second.
    func run(seconds: Int) async throws(BenchError) -> (batches: Int, perSecond: Double) {
        let text = try await store.pgbench(
            file: folder + "/batch.sql", in: Self.database, clients: Self.clients, seconds: seconds)
        guard let found = Self.read(text) else { throw BenchError("pgbench says \"\(text)\"") }
        return found
    }

    func empty() async throws(BenchError) { try await store.run(file: folder + "/schema.sql", in: Self.database) }

    /// Reads pgbench's report.
    static func read(_ text: String) -> (batches: Int, perSecond: Double)? {
        func number(behind mark: String) -> Double? {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(mark) }) else { return nil }
            return Double(line.dropFirst(mark.count).prefix { $0 != " " && $0 != "/" })
        }
        guard let batches = number(behind: "number of transactions actually processed: "),
            let perSecond = number(behind: "tps = "), batches > 0
        else { return nil }
        return (Int(batches), perSecond)
    }
}

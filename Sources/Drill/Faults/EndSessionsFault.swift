/// Ends the sessions of a database under the services' feet, as a failover or an administrator does.
package struct EndSessionsFault: Fault {
    package static let kind = "end-sessions"
    package static let summary = "ends all sessions of a database (pg_terminate_backend), several times"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let database: DatabaseName
    private let times: Int
    private let pause: Duration

    package init(_ fields: FieldReader) {
        database = fields.choice("database")
        times = fields.integer("times", in: 1...100, or: 1)
        pause = fields.duration("every", or: .seconds(1))
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var ended = 0
        for round in 0..<times {
            if round > 0, (try? await context.time.sleep(for: pause)) == nil { break }
            let answer = try await context.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    + "WHERE datname = '\(database.rawValue)' AND pid <> pg_backend_pid()",
                in: "postgres")
            ended += answer.split(separator: "\n").first.flatMap { Int($0) } ?? 0
        }
        guard ended > 0 else { throw DrillError("the database \(database.rawValue) had no session to end") }
        return "ended \(ended) sessions of \(database.rawValue)"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        "nothing to heal: who was cut off connects again"
    }
}

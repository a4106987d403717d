import LocalStack

/// A session that locks tables and goes to lunch: everybody else who wants them stands in line.
package struct LockTableFault: Fault {
    package static let kind = "lock-table"
    package static let summary = "holds ACCESS EXCLUSIVE locks on tables of a database until it heals"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let database: DatabaseName
    private let tables: [String]

    package init(_ fields: FieldReader) {
        database = fields.choice("database")
        tables = fields.texts("tables")
        if tables.isEmpty { fields.refuse("must name at least one table", at: "tables") }
        for table in tables where !table.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) {
            fields.refuse("\(table) is no table's name", at: "tables")
        }
    }

    package func missing(in context: DrillContext) async -> String? {
        for table in tables {
            let answer = try? await context.sql("SELECT to_regclass('\(table)') IS NOT NULL", in: database.rawValue)
            if answer?.hasPrefix("t") != true { return "the database \(database.rawValue) has no table \(table)" }
        }
        return nil
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        // Only as long as a drill may take: should nobody heal, the session ends by itself.
        let statement =
            "SET lock_timeout = '20s'; BEGIN; LOCK TABLE \(tables.joined(separator: ", ")) IN ACCESS EXCLUSIVE MODE; "
            + "SELECT pg_sleep(300)"
        let (program, arguments) = try context.psql(database.rawValue, as: context.tag)
        var launch = Launch(program, arguments + ["-c", statement])
        launch.environment["PGAPPNAME"] = context.tag
        try context.remember("session", context.tag)
        do throws(ChildProcessError) { _ = try await ChildProcess.start(launch) } catch { throw DrillError("\(error)") }
        let isHeld = await Deadlines.wait(upTo: .seconds(20), every: .milliseconds(100), time: context.time) {
            let answer = try? await context.sql(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    + "WHERE a.application_name = '\(context.tag)' AND l.mode = 'AccessExclusiveLock' AND l.granted",
                in: database.rawValue)
            return (answer?.split(separator: "\n").first.flatMap { Int($0) } ?? 0) >= tables.count
        }
        guard isHeld else { throw DrillError("the tables could not be locked within 20 s") }
        return "locked \(tables.joined(separator: ", ")) of \(database.rawValue)"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        guard let session = context.remembered("session") else { return "nothing to heal: nothing is locked" }
        let answer = try await context.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '\(session)'",
            in: "postgres")
        return answer.hasPrefix("0") ? "nothing to heal: the session is gone" : "ended the session that held the locks"
    }
}

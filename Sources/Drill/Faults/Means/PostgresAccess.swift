import LocalStack

extension DrillContext {
    static var postgres: TargetSelector { TargetSelector(name: "postgres") }

    /// Runs one statement in a database of the stack, past the proxy, as its superuser.
    @discardableResult
    func sql(_ statement: String, in database: String, within limit: Duration = .seconds(10))
        async throws(DrillError) -> String
    {
        let (program, arguments) = try psql(database)
        return try await run(program, arguments + ["-c", statement], within: limit)
    }

    /// psql as the superuser of a database, up to the statement; in a container it is the container's own.
    ///
    /// - Parameter name: What the session is called.
    func psql(_ database: String, as name: String = "holdfast-drill") throws(DrillError) -> (String, [String]) {
        let options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        if let container = try container(of: DrillTarget(name: "postgres", replica: 1)) {
            return (
                "docker",
                ["exec", "--env", "PGAPPNAME=\(name)", container, "psql"] + options + [
                    "-U", "postgres", "-d", database,
                ]
            )
        }
        let place = ["-h", "127.0.0.1", "-p", String(try stack().postgresPort), "-U", StackPlan.databaseUser]
        return ("psql", options + place + ["-d", database])
    }
}

/// A database of the stack by its name.
enum DatabaseName: String, CaseIterable, Sendable {
    case orders, inventory, payments, shipping
}

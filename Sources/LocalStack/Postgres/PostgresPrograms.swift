/// Where the server's own programs are.
package struct PostgresPrograms: Sendable {
    package let folder: String

    /// Finds the newest installation: Debian keeps the server's programs out of `PATH`.
    package static func find() throws(PostgresServerError) -> PostgresPrograms {
        let installations = "/usr/lib/postgresql"
        let versions = Files.list(installations).sorted { (Int($0) ?? 0, $0) > (Int($1) ?? 0, $1) }
        for version in versions where Files.isExecutable("\(installations)/\(version)/bin/initdb") {
            return PostgresPrograms(folder: "\(installations)/\(version)/bin")
        }
        guard let initdb = Programs.find("initdb"), Programs.find("postgres") != nil else { throw .notInstalled }
        return PostgresPrograms(folder: initdb.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 })
    }

    package func path(_ program: String) -> String { "\(folder)/\(program)" }
}

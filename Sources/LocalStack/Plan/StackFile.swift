import JSON

/// What `stack.json` says while the stack runs.
package struct StackFile: Sendable, Equatable, JSONEncodable {
    package struct Process: Sendable, Equatable, JSONEncodable {
        package var name: String
        package var replica: Int
        package var pid: Int32
        package var api: Int
        package var admin: Int

        package func encode(to json: inout JSONWriter) {
            json.object {
                $0.member("name", name)
                $0.member("replica", replica)
                $0.member("pid", Int(pid))
                $0.member("api", api)
                $0.member("admin", admin)
            }
        }
    }

    package var supervisor: Int32
    package var processes: [Process]
    package var postgresPort: Int
    package var brokerPort: Int

    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.object("supervisor") { $0.member("pid", Int(supervisor)) }
            $0.member("processes", processes)
            $0.object("postgres") {
                $0.member("host", PostgresServer.host)
                $0.member("port", postgresPort)
                $0.member("user", StackPlan.databaseUser)
            }
            $0.object("broker") { $0.member("port", brokerPort) }
        }
    }
}

extension StackFile {
    /// Replaces the file in one step; the error, if it could not be written.
    func write(to path: String) -> FileError? {
        var json = JSONWriter()
        json.value(self)
        do throws(FileError) {
            try Files.replace(path, with: json.bytes + [UInt8(ascii: "\n")])
            return nil
        } catch {
            return error
        }
    }
}

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
    /// Reads what a supervisor wrote; nil for anything else.
    package init?(parsing bytes: [UInt8]) {
        guard let root = try? JSONDocument(parsing: bytes).root,
            let supervisor = root["supervisor"]?["pid"]?.int64,
            let postgresPort = root["postgres"]?["port"]?.int64, let brokerPort = root["broker"]?["port"]?.int64
        else { return nil }
        self.supervisor = Int32(truncatingIfNeeded: supervisor)
        self.postgresPort = Int(postgresPort)
        self.brokerPort = Int(brokerPort)
        processes = []
        for entry in root["processes"].map({ Array($0.elements) }) ?? [] {
            guard let name = entry["name"]?.string, let replica = entry["replica"]?.int64,
                let pid = entry["pid"]?.int64, let api = entry["api"]?.int64, let admin = entry["admin"]?.int64
            else { return nil }
            processes.append(
                Process(
                    name: name, replica: Int(replica), pid: Int32(truncatingIfNeeded: pid), api: Int(api),
                    admin: Int(admin)))
        }
    }

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

import JSON

/// What `stack.json` says while the stack runs.
package struct StackFile: Sendable, Equatable, JSONEncodable {
    package struct Process: Sendable, Equatable, JSONEncodable {
        package var name: String
        package var replica: Int
        package var pid: Int32
        package var api: Int
        package var admin: Int

        package init(name: String, replica: Int, pid: Int32, api: Int, admin: Int) {
            self.name = name
            self.replica = replica
            self.pid = pid
            self.api = api
            self.admin = admin
        }

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
    /// What drills need to know; nil unless they are allowed.
    package var drills: Drills?
    /// The containers the parts run in; empty where they are processes of this machine.
    package var containers: [Container] = []

    package init(
        supervisor: Int32, processes: [Process], postgresPort: Int, brokerPort: Int, drills: Drills? = nil
    ) {
        self.supervisor = supervisor
        self.processes = processes
        self.postgresPort = postgresPort
        self.brokerPort = brokerPort
        self.drills = drills
    }

    /// A part of a stack that runs in a container.
    package struct Container: Sendable, Equatable, JSONEncodable {
        /// As drills name it: `order-service`, `postgres`, `dev-broker`.
        package var name: String
        package var replica: Int
        /// Stays the same when the container is ended and started again.
        package var id: String

        package init(name: String, replica: Int, id: String) {
            self.name = name
            self.replica = replica
            self.id = id
        }

        package func encode(to json: inout JSONWriter) {
            json.object {
                $0.member("name", name)
                $0.member("replica", replica)
                $0.member("id", id)
            }
        }
    }

    /// Where a stack that may be broken can be taken hold of.
    package struct Drills: Sendable, Equatable, JSONEncodable {
        /// fault-proxy's process and the beginning of its URLs.
        package var proxy: Int32
        package var proxyURL: String
        /// The folder of ``ChildControl``, absolute.
        package var control: String
        /// The folder of Postgres' data, and that of Apache Kafka's; nil with the embedded broker.
        package var postgresData: String
        package var brokerData: String?
        package var links: [PlannedLink]

        package init(
            proxy: Int32, proxyURL: String, control: String, postgresData: String, brokerData: String? = nil,
            links: [PlannedLink]
        ) {
            self.proxy = proxy
            self.proxyURL = proxyURL
            self.control = control
            self.postgresData = postgresData
            self.brokerData = brokerData
            self.links = links
        }

        package func encode(to json: inout JSONWriter) {
            json.object {
                $0.object("proxy") {
                    $0.member("pid", Int(proxy))
                    $0.member("control", proxyURL)
                }
                $0.member("control", control)
                $0.member("postgresData", postgresData)
                $0.member("brokerData", brokerData)
                $0.member("links", links)
            }
        }
    }

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
            if let drills { $0.member("drills", drills) }
            if !containers.isEmpty { $0.member("containers", containers) }
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
        drills = root["drills"].flatMap { Drills($0) }
        for entry in root["containers"].map({ Array($0.elements) }) ?? [] {
            guard let name = entry["name"]?.string, let replica = entry["replica"]?.int64, let id = entry["id"]?.string
            else { return nil }
            containers.append(Container(name: name, replica: Int(replica), id: id))
        }
    }

    /// Replaces the file in one step; the error, if it could not be written.
    package func write(to path: String) -> FileError? {
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

extension StackFile.Drills {
    fileprivate init?(_ value: JSONValue) {
        guard let proxy = value["proxy"]?["pid"]?.int64, let url = value["proxy"]?["control"]?.string,
            let control = value["control"]?.string, let data = value["postgresData"]?.string,
            let links = value["links"]
        else { return nil }
        self.proxy = Int32(truncatingIfNeeded: proxy)
        proxyURL = url
        self.control = control
        postgresData = data
        brokerData = value["brokerData"]?.string
        self.links = links.elements.compactMap(PlannedLink.init)
    }
}

/// One process of a service, as it is to be started.
package struct PlannedService: Sendable, Equatable {
    package var service: ServiceName
    /// Counted from 1.
    package var replica: Int
    package var api: Int
    package var admin: Int
    package var environment: [String: String]

    /// The name in messages and of the log file.
    package var label: String { replica == 1 ? service.rawValue : "\(service.rawValue)-\(replica)" }
}

/// What runs on which port with which settings: the options thought through.
package struct StackPlan: Sendable, Equatable {
    package static let databaseUser = "holdfast"

    package var postgresPort: Int
    package var brokerPort: Int
    /// In the order they are started.
    package var services: [PlannedService]
    /// Every port that must be free, with the name under which it can be changed.
    package var ports: [(name: PortName, port: Int)]

    package init(_ options: StackOptions) {
        let postgresPort = options.port(.postgres)
        let brokerPort = options.port(.broker)
        self.postgresPort = postgresPort
        self.brokerPort = brokerPort
        services = ServiceName.allCases.flatMap { service in
            (1...options.replicaCount(service)).map { replica in
                let api = options.port(.api(service), replica: replica)
                let admin = options.port(.admin(service), replica: replica)
                var environment = [
                    "HOST": "127.0.0.1",
                    "PORT": String(api),
                    "ADMIN_PORT": String(admin),
                    "AUTH": "off",
                    "DATABASE_URL":
                        "postgres://\(Self.databaseUser)@127.0.0.1:\(postgresPort)/\(service.database)",
                    "KAFKA_BOOTSTRAP": "127.0.0.1:\(brokerPort)",
                ]
                for peer in service.peers {
                    environment[peer.setting] = "http://127.0.0.1:\(options.port(.api(peer.service)))"
                }
                return PlannedService(
                    service: service, replica: replica, api: api, admin: admin, environment: environment)
            }
        }
        ports =
            [(.postgres, postgresPort), (.broker, brokerPort)]
            + services.flatMap { [(.api($0.service), $0.api), (.admin($0.service), $0.admin)] }
    }

    package static func == (left: StackPlan, right: StackPlan) -> Bool {
        left.postgresPort == right.postgresPort && left.brokerPort == right.brokerPort
            && left.services == right.services
    }

    /// The broker makes the suite's topics by itself.
    var brokerArguments: [String] {
        ["--port", String(brokerPort)]
    }

    /// Sentences for the ports that are taken, each with the setting that changes it.
    package func conflicts(isFree: (Int) -> Bool, holder: (Int) -> String? = { _ in nil }) -> [String] {
        ports.filter { !isFree($0.port) }.map { entry in
            "port \(entry.port), for \(entry.name.title), is taken by \(holder(entry.port) ?? "another program"): end "
                + "that one, or choose another port with \(entry.name.variable)=PORT or "
                + "--port \(entry.name.option)=PORT"
        }
    }
}

/// What may be chosen about the stack of one machine.
package struct StackOptions: Sendable, Equatable {
    /// Where state, logs and `stack.json` are; relative to the working directory.
    package var dataFolder = ".holdfast"
    /// The folder with the services' executables; nil means beside this one.
    package var programFolder: String?
    /// Whether a small catalogue is stocked and sample orders are placed.
    package var placesSamples = true
    /// Who moves money and parcels.
    package var providers = Providers.builtin
    /// Who carries the messages.
    package var broker = Broker.embedded
    /// Where Apache Kafka is: the folder that has its `libs`.
    package var kafkaHome = "../shared/kafka"
    /// Whether drills may break the stack: fault-proxy stands between all parts, and the services take faults.
    package var allowsDrills = false
    /// Whether the services ask every caller for a token (`AUTH=jwt`); they are given the secret by the environment.
    package var asksForTokens = false
    /// Settings of Postgres' own in the place of what the stack gives it, such as `max_wal_size=4GB`.
    package var postgresSettings: [String] = []
    package var replicas: [ServiceName: Int] = [:]
    package var ports: [PortName: Int] = [:]

    package init() {}

    /// Who moves money and parcels for the services.
    package enum Providers: String, CaseIterable, Sendable {
        /// Rules inside the services.
        case builtin
        /// provider-simulator, over HTTP.
        case http
    }

    /// Who carries the messages between services.
    package enum Broker: String, CaseIterable, Sendable {
        /// dev-broker, in memory.
        case embedded
        /// Apache Kafka, one node.
        case kafka
    }

    /// Further replicas keep a distance of 100 ports, so more than these would meet other services' ports.
    package static let replicaLimit = 20
    package static let replicaPortDistance = 100

    /// The environment variables that are read here and mean nothing to the services.
    package static let variables = Set(PortName.all.map(\.variable))
        .union([
            "HOLDFAST_BROKER", "HOLDFAST_DATA", "HOLDFAST_DRILLS", "HOLDFAST_PROGRAMS", "HOLDFAST_PROVIDERS",
            "HOLDFAST_REPLICAS", "HOLDFAST_SAMPLES", "KAFKA_HOME",
        ])

    package func replicaCount(_ service: ServiceName) -> Int { replicas[service] ?? 1 }

    /// How many replicas have a port of that name.
    package func replicaCount(_ name: PortName) -> Int {
        switch name {
        case .postgres, .broker, .brokerController, .simulator, .simulatorAdmin, .faultProxy: 1
        case .api(let service), .admin(let service): replicaCount(service)
        }
    }

    /// The port of a replica, counted from 1.
    package func port(_ name: PortName, replica: Int = 1) -> Int {
        let first: Int
        switch name {
        case .postgres: first = ports[name] ?? 15_432
        case .broker: first = ports[name] ?? 19_092
        case .brokerController: first = ports[name] ?? port(.broker) + 1
        case .faultProxy: first = ports[name] ?? 20_000
        case .api(let service): first = ports[name] ?? service.defaultPort
        case .admin(let service): first = ports[name] ?? port(.api(service)) + 1
        case .simulator: first = ports[name] ?? 8090
        case .simulatorAdmin: first = ports[name] ?? port(.simulator) + 1
        }
        return first + (replica - 1) * Self.replicaPortDistance
    }
}

/// A command line or an environment variable that cannot be followed.
package struct StackOptionsError: Error, Equatable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    package var description: String
}

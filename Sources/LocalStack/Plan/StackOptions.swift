/// What may be chosen about the stack of one machine.
package struct StackOptions: Sendable, Equatable {
    /// Where state, logs and `stack.json` are; relative to the working directory.
    package var dataFolder = ".holdfast"
    /// The folder with the services' executables; nil means beside this one.
    package var programFolder: String?
    /// Whether a small catalogue is stocked and sample orders are placed.
    package var placesSamples = true
    package var replicas: [ServiceName: Int] = [:]
    package var ports: [PortName: Int] = [:]

    package init() {}

    /// Further replicas keep a distance of 100 ports, so more than these would meet other services' ports.
    package static let replicaLimit = 20
    package static let replicaPortDistance = 100

    /// The environment variables that are read here and mean nothing to the services.
    package static let variables = Set(PortName.all.map(\.variable))
        .union(["HOLDFAST_DATA", "HOLDFAST_PROGRAMS", "HOLDFAST_REPLICAS", "HOLDFAST_SAMPLES"])

    package func replicaCount(_ service: ServiceName) -> Int { replicas[service] ?? 1 }

    /// The port of a replica, counted from 1.
    package func port(_ name: PortName, replica: Int = 1) -> Int {
        let first: Int
        switch name {
        case .postgres: first = ports[name] ?? 15_432
        case .broker: first = ports[name] ?? 19_092
        case .api(let service): first = ports[name] ?? service.defaultPort
        case .admin(let service): first = ports[name] ?? port(.api(service)) + 1
        }
        return first + (replica - 1) * Self.replicaPortDistance
    }
}

/// A command line or an environment variable that cannot be followed.
package struct StackOptionsError: Error, Equatable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    package var description: String
}

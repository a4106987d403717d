extension StackOptions {
    package static let helpText = """
          --port NAME=PORT      another port; NAME is postgres, broker, a service for its API,
                                or a service followed by -admin (default: the API's port plus 1)
          --replicas NAME=N     N replicas of a service, at ports 100 apart (default 1)
          --data DIR            where data, logs and stack.json are (default .holdfast)
          --programs DIR        where the services' executables are (default: beside this one)
          --no-samples          stock no catalogue and place no sample orders

        Each has an environment variable that the option overrides: HOLDFAST_POSTGRES_PORT, HOLDFAST_BROKER_PORT,
        HOLDFAST_ORDER_SERVICE_PORT, HOLDFAST_ORDER_SERVICE_ADMIN_PORT (and so on), HOLDFAST_REPLICAS
        (order-service=2,payment-service=3), HOLDFAST_DATA, HOLDFAST_PROGRAMS, HOLDFAST_SAMPLES=off. What else the
        environment holds goes to the services.

        """

    /// Reads the arguments after the command's name, then the environment for what they leave open.
    package init(arguments: [String], environment: [String: String]) throws(StackOptionsError) {
        self.init()
        try readEnvironment(environment)
        var rest = arguments[...]
        func value(_ option: String) throws(StackOptionsError) -> String {
            guard let value = rest.popFirst(), !value.isEmpty else {
                throw StackOptionsError(description: "\(option) needs a value; see holdfast help.")
            }
            return value
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--no-samples": placesSamples = false
            case "--data": dataFolder = try value(argument)
            case "--programs": programFolder = try value(argument)
            case "--port": try readPort(value(argument))
            case "--replicas": try readReplicas(value(argument), from: argument)
            default:
                throw StackOptionsError(description: "Unknown argument \"\(argument)\"; see holdfast help.")
            }
        }
        try checkPorts()
    }

    private mutating func readEnvironment(_ environment: [String: String]) throws(StackOptionsError) {
        for name in PortName.all {
            guard let text = environment[name.variable], !text.isEmpty else { continue }
            ports[name] = try Self.portNumber(text, from: name.variable)
        }
        if let text = environment["HOLDFAST_REPLICAS"], !text.isEmpty {
            for pair in text.split(separator: ",") { try readReplicas(String(pair), from: "HOLDFAST_REPLICAS") }
        }
        if let text = environment["HOLDFAST_DATA"], !text.isEmpty { dataFolder = text }
        if let text = environment["HOLDFAST_PROGRAMS"], !text.isEmpty { programFolder = text }
        switch environment["HOLDFAST_SAMPLES"] {
        case nil, "", "on": break
        case "off": placesSamples = false
        case .some(let text):
            throw StackOptionsError(description: "HOLDFAST_SAMPLES is \"\(text)\" and should be on or off.")
        }
    }

    private mutating func readPort(_ text: String) throws(StackOptionsError) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let name = PortName.all.first(where: { $0.option == parts[0] }) else {
            let names = PortName.all.map(\.option).joined(separator: ", ")
            throw StackOptionsError(description: "--port \(text) should be NAME=PORT, with NAME one of \(names).")
        }
        ports[name] = try Self.portNumber(String(parts[1]), from: "--port \(name.option)")
    }

    private mutating func readReplicas(_ text: String, from source: String) throws(StackOptionsError) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let service = ServiceName(rawValue: String(parts[0])), let count = Int(parts[1]),
            (1...Self.replicaLimit).contains(count)
        else {
            let names = ServiceName.allCases.map(\.rawValue).joined(separator: ", ")
            throw StackOptionsError(
                description: "\(source) \(text) should be NAME=N, with NAME one of \(names) and N from 1 to "
                    + "\(Self.replicaLimit).")
        }
        replicas[service] = count
    }

    private static func portNumber(_ text: String, from source: String) throws(StackOptionsError) -> Int {
        guard let port = Int(text), (1...65_535).contains(port) else {
            throw StackOptionsError(description: "\(source) is \"\(text)\" and should be a port from 1 to 65535.")
        }
        return port
    }

    /// No two things may want the same port, and each port must exist.
    private func checkPorts() throws(StackOptionsError) {
        var owners: [Int: PortName] = [:]
        for name in PortName.all {
            let replicas: Int =
                switch name {
                case .postgres, .broker: 1
                case .api(let service), .admin(let service): replicaCount(service)
                }
            for replica in 1...replicas {
                let port = port(name, replica: replica)
                guard port <= 65_535 else {
                    throw StackOptionsError(
                        description: "\(name.title), replica \(replica), would get port \(port), beyond 65535; "
                            + "choose a lower one with --port \(name.option)=PORT.")
                }
                if let other = owners.updateValue(name, forKey: port) {
                    throw StackOptionsError(
                        description: "\(other.title) and \(name.title) both want port \(port); "
                            + "change one with --port \(name.option)=PORT.")
                }
            }
        }
    }
}

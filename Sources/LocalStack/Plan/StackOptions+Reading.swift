extension StackOptions {
    package static let helpText = """
          --port NAME=PORT      another port; NAME is postgres, broker, a service or provider-simulator for its
                                API, or one of these followed by -admin (default: the API's port plus 1)
          --providers KIND      who moves money and parcels: builtin (rules inside the services, the default),
                                or http (provider-simulator, whose faults can be switched on)
          --broker KIND         who carries the messages: embedded (the default), or kafka (Apache Kafka, whose folder
                                KAFKA_HOME names; needs Java)
          --drills              let drills break the stack: fault-proxy between all parts, faults in the services
          --replicas NAME=N     N replicas of a service, at ports 100 apart (default 1)
          --postgres NAME=VALUE a setting of Postgres' own, such as max_wal_size=4GB; may be given several times
          --data DIR            where data, logs and stack.json are (default .holdfast)
          --programs DIR        where the services' executables are (default: beside this one)
          --no-samples          stock no catalogue and place no sample orders

        Each has an environment variable that the option overrides: HOLDFAST_POSTGRES_PORT, HOLDFAST_BROKER_PORT,
        HOLDFAST_ORDER_SERVICE_PORT, HOLDFAST_ORDER_SERVICE_ADMIN_PORT (and so on), HOLDFAST_PROVIDERS,
        HOLDFAST_BROKER, HOLDFAST_DRILLS=on, HOLDFAST_REPLICAS (order-service=2,payment-service=3), HOLDFAST_DATA,
        HOLDFAST_PROGRAMS, HOLDFAST_SAMPLES=off.
        What else the environment holds goes to the services. With AUTH=jwt there they ask every caller for a token, by
        the AUTH_SECRET that has to be there too, and no samples are placed; otherwise AUTH is off.

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
            case "--drills": allowsDrills = true
            case "--broker": try readBroker(value(argument), from: argument)
            case "--providers": try readProviders(value(argument), from: argument)
            case "--postgres": postgresSettings.append(try Self.postgresSetting(value(argument)))
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
        if let text = environment["HOLDFAST_PROVIDERS"], !text.isEmpty {
            try readProviders(text, from: "HOLDFAST_PROVIDERS")
        }
        if let text = environment["HOLDFAST_BROKER"], !text.isEmpty { try readBroker(text, from: "HOLDFAST_BROKER") }
        if let text = environment["KAFKA_HOME"], !text.isEmpty { kafkaHome = text }
        allowsDrills = try Self.isOn("HOLDFAST_DRILLS", in: environment) ?? false
        if let text = environment["HOLDFAST_DATA"], !text.isEmpty { dataFolder = text }
        if let text = environment["HOLDFAST_PROGRAMS"], !text.isEmpty { programFolder = text }
        switch environment["AUTH"] {
        case nil, "", "off": break
        case "jwt":
            asksForTokens = true
            // Placing them would take a token of an operator's.
            placesSamples = false
        case .some(let text):
            throw StackOptionsError(description: "AUTH is \"\(text)\" and should be off or jwt.")
        }
        guard let samples = try Self.isOn("HOLDFAST_SAMPLES", in: environment) else { return }
        if samples, asksForTokens {
            throw StackOptionsError(description: "HOLDFAST_SAMPLES is on, but no samples are placed with AUTH=jwt.")
        }
        if !samples { placesSamples = false }
    }

    /// What a switch says; nil when it is not set.
    private static func isOn(_ name: String, in environment: [String: String]) throws(StackOptionsError) -> Bool? {
        switch environment[name] {
        case nil, "": nil
        case "on": true
        case "off": false
        case .some(let text):
            throw StackOptionsError(description: "\(name) is \"\(text)\" and should be on or off.")
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

    private mutating func readProviders(_ text: String, from source: String) throws(StackOptionsError) {
        guard let providers = Providers(rawValue: text) else {
            let names = Providers.allCases.map(\.rawValue).joined(separator: " or ")
            throw StackOptionsError(description: "\(source) is \"\(text)\" and should be \(names).")
        }
        self.providers = providers
    }

    private mutating func readBroker(_ text: String, from source: String) throws(StackOptionsError) {
        guard let broker = Broker(rawValue: text) else {
            let names = Broker.allCases.map(\.rawValue).joined(separator: " or ")
            throw StackOptionsError(description: "\(source) is \"\(text)\" and should be \(names).")
        }
        self.broker = broker
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

    private static func postgresSetting(_ text: String) throws(StackOptionsError) -> String {
        let name = text.prefix { $0 != "=" }
        guard !name.isEmpty, name.count < text.count,
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") })
        else { throw StackOptionsError(description: "--postgres \(text) should be NAME=VALUE, as in postgresql.conf.") }
        return text
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
            for replica in 1...replicaCount(name) {
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
        guard allowsDrills else { return }
        for link in StackPlan(self).links {
            if link.port > 65_535 || owners[link.port] != nil {
                throw StackOptionsError(
                    description: "the link \(link.name) would get port \(link.port), which is "
                        + (owners[link.port].map { "that of \($0.title)" } ?? "beyond 65535")
                        + "; choose another first one with --port \(PortName.faultProxy.option)=PORT.")
            }
        }
    }
}

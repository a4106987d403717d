/// One process with an API, as it is to be started.
package struct PlannedService: Sendable, Equatable {
    /// The executable's.
    package var name: String
    /// Counted from 1.
    package var replica: Int
    package var api: Int
    package var admin: Int
    package var environment: [String: String]

    /// Which of the suite's services it is; nil for provider-simulator.
    package var service: ServiceName? { ServiceName(rawValue: name) }

    /// The name in messages and of the log file.
    package var label: String { replica == 1 ? name : "\(name)-\(replica)" }
}

/// What runs on which port with which settings: the options thought through.
package struct StackPlan: Sendable, Equatable {
    package static let databaseUser = "holdfast"
    package static let simulatorName = "provider-simulator"
    package static let faultProxyName = "fault-proxy"
    /// The names of what has no port of its own kind, as links, logs and files of the control folder name them.
    package static let postgresName = "postgres"
    package static let brokerName = "broker"

    package var postgresPort: Int
    package var brokerPort: Int
    /// The stand-in for payment provider and carrier; runs in any case, so that it can be tried.
    package var simulator: PlannedService
    /// In the order they are started.
    package var services: [PlannedService]
    /// What fault-proxy passes on; empty unless drills are allowed.
    package var links: [PlannedLink] = []
    /// Every port that must be free, with the name under which it can be changed.
    package var ports: [(name: PortName, port: Int)]

    package init(_ options: StackOptions) {
        postgresPort = options.port(.postgres)
        brokerPort = options.port(.broker)
        simulator = Self.simulator(options)
        services = ServiceName.allCases.flatMap { service in
            (1...options.replicaCount(service)).map { Self.planned(service, replica: $0, options) }
        }
        ports = []
        if options.allowsDrills { putProxyBetween(options) }
        ports =
            [
                (.postgres, postgresPort), (.broker, brokerPort), (.simulator, simulator.api),
                (.simulatorAdmin, simulator.admin),
            ]
            + services.flatMap { planned -> [(name: PortName, port: Int)] in
                guard let service = planned.service else { return [] }
                return [(.api(service), planned.api), (.admin(service), planned.admin)]
            }
            + links.map { (.faultProxy, $0.port) }
        if options.broker == .kafka { ports.append((.brokerController, options.port(.brokerController))) }
        if options.allowsDrills { ports.append((.faultProxy, options.port(.faultProxy))) }
    }

    /// Everything that `stack.json` lists, in the order it is started.
    package var processes: [PlannedService] { [simulator] + services }

    private static func planned(_ service: ServiceName, replica: Int, _ options: StackOptions) -> PlannedService {
        let api = options.port(.api(service), replica: replica)
        let admin = options.port(.admin(service), replica: replica)
        var environment = common(api: api, admin: admin)
        if options.asksForTokens { environment["AUTH"] = "jwt" }
        environment["DATABASE_URL"] = databaseURL(service, port: options.port(.postgres))
        environment["KAFKA_BOOTSTRAP"] = "127.0.0.1:\(options.port(.broker))"
        for peer in service.peers {
            environment[peer.setting] = (1...options.replicaCount(peer.service))
                .map { url(options.port(.api(peer.service), replica: $0)) }.joined(separator: ",")
        }
        if options.providers == .http, let provider = service.provider {
            environment[provider.kindSetting] = StackOptions.Providers.http.rawValue
            environment[provider.urlSetting] = url(options.port(.simulator))
            environment.merge(secret(options)) { $1 }
        }
        return PlannedService(
            name: service.rawValue, replica: replica, api: api, admin: admin, environment: environment)
    }

    private static func simulator(_ options: StackOptions) -> PlannedService {
        let (api, admin) = (options.port(.simulator), options.port(.simulatorAdmin))
        var environment = common(api: api, admin: admin)
        // It asks nobody for a token, and like any service that does not it refuses to be given what checks one.
        if options.asksForTokens { environment.merge(tokenSettings.map { ($0, "") }) { $1 } }
        environment["DATA_DIR"] = "\(options.dataFolder)/\(simulatorName)"
        if options.providers == .http {
            for service in ServiceName.allCases {
                guard let provider = service.provider else { continue }
                environment[provider.webhookSetting] = url(options.port(.api(service))) + provider.webhookRoute
            }
            environment.merge(secret(options)) { $1 }
        }
        return PlannedService(name: simulatorName, replica: 1, api: api, admin: admin, environment: environment)
    }

    /// What the environment may hold for the services with `AUTH=jwt`; empty is as good as absent.
    private static let tokenSettings = [
        "AUTH_SECRET", "AUTH_SECRET_FILE", "AUTH_SECRET_PREVIOUS", "AUTH_SECRET_PREVIOUS_FILE", "AUTH_JWKS_URL",
        "AUTH_JWKS_FILE", "AUTH_TOKEN_FILE",
    ]

    private static func common(api: Int, admin: Int) -> [String: String] {
        ["HOST": "127.0.0.1", "PORT": String(api), "ADMIN_PORT": String(admin), "AUTH": "off"]
    }

    static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)" }

    /// The secret is named by its file, so that no list of processes shows it; one from the environment would contradict.
    private static func secret(_ options: StackOptions) -> [String: String] {
        ["WEBHOOK_SECRET": "", "WEBHOOK_SECRET_FILE": webhookSecretFile(options)]
    }

    /// Where the secret is that provider-simulator and the services share.
    static func webhookSecretFile(_ options: StackOptions) -> String {
        "\(options.dataFolder)/\(webhookSecretName)"
    }

    /// The name of that file in the data folder.
    static let webhookSecretName = "webhook-secret"

    package static func == (left: StackPlan, right: StackPlan) -> Bool {
        left.postgresPort == right.postgresPort && left.brokerPort == right.brokerPort
            && left.simulator == right.simulator && left.services == right.services && left.links == right.links
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

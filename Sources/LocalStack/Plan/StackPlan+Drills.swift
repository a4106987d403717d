extension StackPlan {
    /// Lets every connection between parts of the stack go through fault-proxy, and the services take faults.
    mutating func putProxyBetween(_ options: StackOptions) {
        var links: [PlannedLink] = []
        func link(_ from: String, _ to: String, _ target: Int) -> Int {
            if let known = links.first(where: { $0.from == from && $0.to == to }) { return known.port }
            let port = options.port(.faultProxy) + 1 + links.count
            links.append(PlannedLink(from: from, to: to, port: port, target: target))
            return port
        }
        for index in services.indices {
            let (label, service) = (services[index].label, services[index].service)
            guard let service else { continue }
            services[index].environment["FAULT_INJECTION"] = "on"
            services[index].environment["DATABASE_URL"] = Self.databaseURL(
                service, port: link(label, Self.postgresName, postgresPort))
            services[index].environment["KAFKA_BOOTSTRAP"] = "127.0.0.1:\(link(label, Self.brokerName, brokerPort))"
            for peer in service.peers {
                services[index].environment[peer.setting] = services.filter { $0.service == peer.service }
                    .map { Self.url(link(service.rawValue, $0.label, $0.api)) }.joined(separator: ",")
            }
            guard options.providers == .http, let provider = service.provider else { continue }
            services[index].environment[provider.urlSetting] = Self.url(
                link(label, Self.simulatorName, simulator.api))
            guard services[index].replica == 1 else { continue }
            simulator.environment[provider.webhookSetting] =
                Self.url(link(Self.simulatorName, label, services[index].api)) + provider.webhookRoute
        }
        self.links = links
    }

    static func databaseURL(_ service: ServiceName, port: Int) -> String {
        "postgres://\(databaseUser)@127.0.0.1:\(port)/\(service.database)"
    }
}

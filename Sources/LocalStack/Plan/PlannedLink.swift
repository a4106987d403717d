import JSON

/// A connection between two parts of the stack that goes through fault-proxy.
package struct PlannedLink: Sendable, Equatable {
    /// Who connects, as ``PlannedService/label``; a link to a service's API is shared by all replicas of the caller.
    package var from: String
    /// Who is connected to: a label, `postgres` or `broker`.
    package var to: String
    /// Where fault-proxy listens for it.
    package var port: Int
    /// Where it passes it on to.
    package var target: Int

    package init(from: String, to: String, port: Int, target: Int) {
        self.from = from
        self.to = to
        self.port = port
        self.target = target
    }

    /// `order-service.postgres`.
    package var name: String { "\(from).\(to)" }

    /// What fault-proxy is told. Clients of a broker follow the port it advertises, so the proxy writes its own there.
    var argument: String { "\(name)=\(port):\(target)\(to == StackPlan.brokerName ? ":kafka" : "")" }
}

extension PlannedLink: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("name", name)
            $0.member("from", from)
            $0.member("to", to)
            $0.member("port", port)
            $0.member("target", target)
        }
    }

    init?(_ value: JSONValue) {
        guard let from = value["from"]?.string, let to = value["to"]?.string, let port = value["port"]?.int64,
            let target = value["target"]?.int64
        else { return nil }
        self.init(from: from, to: to, port: Int(port), target: Int(target))
    }
}

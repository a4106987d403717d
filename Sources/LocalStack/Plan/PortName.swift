/// What a port of the stack is for.
package enum PortName: Hashable, Sendable {
    case postgres
    case broker
    case api(ServiceName)
    case admin(ServiceName)

    package static let all: [PortName] =
        [.postgres, .broker] + ServiceName.allCases.flatMap { [.api($0), .admin($0)] }

    /// The name on the command line: `--port order-service=9080`.
    package var option: String {
        switch self {
        case .postgres: "postgres"
        case .broker: "broker"
        case .api(let service): service.rawValue
        case .admin(let service): service.rawValue + "-admin"
        }
    }

    /// The environment variable: `HOLDFAST_ORDER_SERVICE_PORT`.
    package var variable: String {
        "HOLDFAST_" + String(option.uppercased().map { $0 == "-" ? "_" : $0 }) + "_PORT"
    }

    /// What listens there, for people.
    package var title: String {
        switch self {
        case .postgres: "Postgres"
        case .broker: "the broker"
        case .api(let service): "the API of \(service.rawValue)"
        case .admin(let service): "the admin port of \(service.rawValue)"
        }
    }
}

/// What a port of the stack is for.
package enum PortName: Hashable, Sendable {
    case postgres
    case broker
    /// Of Apache Kafka's own, beside the one for clients.
    case brokerController
    case api(ServiceName)
    case admin(ServiceName)
    case simulator
    case simulatorAdmin
    /// The switches of fault-proxy; its links have the following ports.
    case faultProxy

    package static let all: [PortName] =
        [.postgres, .broker, .brokerController, .simulator, .simulatorAdmin, .faultProxy]
        + ServiceName.allCases.flatMap { [.api($0), .admin($0)] }

    /// The name on the command line: `--port order-service=9080`.
    package var option: String {
        switch self {
        case .postgres: "postgres"
        case .broker: "broker"
        case .brokerController: "broker-controller"
        case .api(let service): service.rawValue
        case .admin(let service): service.rawValue + "-admin"
        case .simulator: StackPlan.simulatorName
        case .simulatorAdmin: StackPlan.simulatorName + "-admin"
        case .faultProxy: StackPlan.faultProxyName
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
        case .brokerController: "the broker's controller"
        case .api(let service): "the API of \(service.rawValue)"
        case .admin(let service): "the admin port of \(service.rawValue)"
        case .simulator: "the API of \(StackPlan.simulatorName)"
        case .simulatorAdmin: "the admin port of \(StackPlan.simulatorName)"
        case .faultProxy: StackPlan.faultProxyName
        }
    }
}

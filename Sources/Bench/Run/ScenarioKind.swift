/// What is done to a stack.
package enum ScenarioKind: String, CaseIterable, Sendable {
    /// Postgres alone does the least durable work of orders.
    case limit
    /// A closed loop of as many clients as it takes.
    case saturation
    /// An open loop at a quarter of what the saturated stack finished.
    case quarter
    /// Ten orders a second: nothing to batch with.
    case ten
    /// The closed loop with one item in every order.
    case hot
    /// An open loop at twice of what the saturated stack finished.
    case overload
    /// Nothing at all.
    case idle
    /// One more replica of each service is started.
    case start
    /// The closed loop on two replicas of each service.
    case replicas

    /// How long it lasts, in seconds.
    func seconds(isQuick: Bool) -> Int {
        switch self {
        case .limit: isQuick ? 3 : 6
        case .saturation: isQuick ? 8 : 20
        case .quarter: isQuick ? 6 : 20
        case .ten: isQuick ? 6 : 20
        case .hot: isQuick ? 5 : 10
        case .overload: isQuick ? 10 : 60
        case .idle: isQuick ? 5 : 20
        case .start: 0
        case .replicas: isQuick ? 6 : 15
        }
    }

    static let warmUpSeconds = 3
}

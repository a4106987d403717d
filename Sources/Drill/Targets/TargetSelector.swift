/// Which processes of the stack a fault acts on, as a file names them.
///
/// `order-service/1` is that replica; `order-service` one of its replicas, drawn by the seed; `order-service/*` all of
/// them. Besides the four services there are `provider-simulator`, `dev-broker` and `postgres`. `any-service` is one of all
/// replicas of the four services.
package struct TargetSelector: Sendable, Hashable, CustomStringConvertible {
    package enum Choice: Sendable, Hashable {
        case one
        case all
        case replica(Int)
    }

    package var name: String
    package var choice: Choice

    package init(name: String, choice: Choice = .one) {
        self.name = name
        self.choice = choice
    }

    static let services = ["order-service", "inventory-service", "payment-service", "shipping-service"]
    static let anyService = "any-service"
    static let names = services + ["provider-simulator", "dev-broker", "postgres", anyService]

    static func parse(_ node: YAMLNode) -> Parsed<TargetSelector> {
        let parts = (node.text ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first.map(String.init), names.contains(name) else {
            return .failure(Unfit("must be one of \(names.joined(separator: ", ")), with /1, /2… or /* behind it"))
        }
        guard parts.count == 2 else { return .success(TargetSelector(name: name)) }
        if parts[1] == "*" { return .success(TargetSelector(name: name, choice: .all)) }
        guard let replica = Int(parts[1]), replica >= 1 else {
            return .failure(Unfit("must have the number of a replica, or *, behind the slash"))
        }
        return .success(TargetSelector(name: name, choice: .replica(replica)))
    }

    package var description: String {
        switch choice {
        case .one: name
        case .all: name + "/*"
        case .replica(let number): "\(name)/\(number)"
        }
    }
}

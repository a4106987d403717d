/// Where the stack is that a drill breaks.
package enum DrillPlace: String, CaseIterable, Sendable {
    /// Processes of this machine, below `holdfast up`.
    case local
    /// Containers of this machine, in a project of Compose.
    case compose
    /// A cluster: Litmus or Chaos Mesh make the fault.
    case kubernetes
}

extension Experiment {
    /// Why it cannot be made on containers; nil when it can. They are a place where not everything can be done that can be
    /// done to processes.
    var obstacleInContainers: String? {
        for template in method.templates where !type(of: template.fault).places.contains(.compose) {
            return "\(type(of: template.fault).kind) cannot be made on containers"
        }
        return stack.environment.isEmpty ? nil : "it needs settings of its own for the services"
    }
}

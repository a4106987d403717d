import HTTPCodec
import JSON
import Resilience
import Telemetry

/// Faults injected on purpose, set on the admin port while the service runs; only with `FAULT_INJECTION=on`.
package struct FaultRoutes: Sendable {
    private static let maximumRules = 100

    private let faults: FaultInjector
    private let logger: Logger

    package init(_ faults: FaultInjector, logger: Logger) {
        self.faults = faults
        self.logger = logger
    }

    package func add(to router: inout Router) {
        router.get("/admin/faults", access: .operators) { _ in answer() }
        router.put("/admin/faults", access: .operators) { context in
            let rules = try context.decode { body in
                body.objects("rules", count: 0...Self.maximumRules) { FaultRule(&$0) }
            }
            return try set(rules, context)
        }
        router.delete("/admin/faults", access: .operators) { context in try set([], context) }
    }

    private func set(_ rules: [FaultRule], _ context: RequestContext) throws(ProblemDetails) -> HTTPResponse {
        do {
            try faults.setRules(rules)
        } catch {
            throw .validationFailed([ProblemDetails.Fault(.pointer("#/rules"), error.description)])
        }
        logger.warning(
            "an operator sets the faults to inject",
            ["rules": .list(rules.map { .text($0.name) }), "operator": .text(context.caller)])
        return answer()
    }

    private func answer() -> HTTPResponse {
        var json = JSONWriter(capacity: 512)
        json.object { $0.array("rules", faults.counts) { $0.value($1) } }
        return .json(json.bytes)
    }
}

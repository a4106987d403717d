import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Telemetry

/// What operators do to the view that lists are served from, on the admin port.
struct OrderViewRoutes: Sendable {
    /// How many orders one request writes anew, so that it ends within its deadline; the answer says where to go on.
    private static let portion = 20_000

    let projector: OrderProjector
    let log: Logger

    func add(to router: inout Router) {
        router.on(.post, "/admin/order-view/rebuild", access: .operators, query: ["after"]) { context in
            let after = try context.queryIdentifier("after")
            let (count, last) = try await projector.rebuild(after: after, atMost: Self.portion)
            log.warning(
                "an operator has the view of orders written anew",
                ["orders": .count(count), "operator": .text(context.caller)])
            var json = JSONWriter(capacity: 96)
            json.object {
                $0.member("rebuilt", count)
                $0.member("nextAfter", last)
            }
            return .json(json.bytes)
        }
    }
}

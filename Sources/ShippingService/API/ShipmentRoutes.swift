import Clocks
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis

/// What shipping-service answers to the outside. Shipments are booked by the saga, never by a request.
struct ShipmentRoutes: Sendable {
    private let postgres: PostgresClient
    private let time: any TimeSource

    init(postgres: PostgresClient, time: any TimeSource) {
        self.postgres = postgres
        self.time = time
    }

    func add(to router: inout Router) {
        router.get("/v1/shipments", access: .services, query: PageRequest.parameters + ["orderId"]) {
            try await list($0)
        }
        router.get("/v1/shipments/{id}", access: .services) { try await show($0) }
        router.get("/v1/audit", access: .operators, priority: .background) { try await audit($0) }
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let orderID = try context.queryIdentifier("orderId")
        let page = try context.page(filter: [orderID?.description])
        let rows = try await postgres.query(
            ShipmentQueries.list(orderID: orderID, after: page.afterMoment, limit: page.fetchLimit),
            deadline: context.deadline)
        let shipments = try rows.map { try ShipmentQueries.view($0) }
        return page.page(shipments) { .moment($0.createdAt, $0.shipment.id) }.response { $0.value($1) }
    }

    private func show(_ context: RequestContext) async throws -> HTTPResponse {
        let rows = try await postgres.query(
            ShipmentQueries.find(try context.identifier("id")), deadline: context.deadline)
        guard let row = rows.first else { throw ProblemDetails(.notFound) }
        var json = JSONWriter(capacity: 640)
        json.value(try ShipmentQueries.view(row))
        return .json(json.bytes)
    }

    private func audit(_ context: RequestContext) async throws -> HTTPResponse {
        let answers = try await postgres.batch(
            [ShipmentQueries.countByStatus, Outbox.census, DeadLetter.census], options: .snapshot,
            deadline: context.deadline)
        var counts: [Shipment.Status: Int64] = [:]
        for row in answers[0] { counts[try row.rawValue(0)] = try row.int8(1) }
        let outboxPending = try answers[1][0].int8(0)
        let deadLetters = try answers[2][0].int8(0)
        var json = JSONWriter(capacity: 320)
        json.object {
            $0.member("service", "shipping-service")
            $0.member("takenAt", time.wallNow)
            $0.object("shipments") {
                for status in Shipment.Status.shown {
                    $0.name(status.rawValue)
                    $0.value(counts[status] ?? 0)
                }
            }
            $0.member("outboxPending", outboxPending)
            $0.member("deadLetters", deadLetters)
        }
        return .json(json.bytes)
    }
}

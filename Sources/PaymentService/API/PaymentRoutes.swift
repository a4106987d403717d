import Clocks
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis

/// What payment-service answers to the outside. Payments are made by the saga, never by a request.
struct PaymentRoutes: Sendable {
    private let postgres: PostgresClient
    private let time: any TimeSource

    init(postgres: PostgresClient, time: any TimeSource) {
        self.postgres = postgres
        self.time = time
    }

    func add(to router: inout Router) {
        router.get("/v1/payments", access: .services, query: PageRequest.parameters + ["orderId"]) {
            try await list($0)
        }
        router.get("/v1/payments/{id}", access: .services) { try await show($0) }
        router.get("/v1/audit", access: .operators, priority: .background) { try await audit($0) }
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let orderID = try context.queryIdentifier("orderId")
        let page = try context.page(filter: [orderID?.description])
        let rows = try await postgres.query(
            PaymentQueries.list(orderID: orderID, after: page.afterMoment, limit: page.fetchLimit),
            deadline: context.deadline)
        let payments = try rows.map { try PaymentQueries.view($0) }
        return page.page(payments) { .moment($0.createdAt, $0.payment.id) }.response { $0.value($1) }
    }

    private func show(_ context: RequestContext) async throws -> HTTPResponse {
        let rows = try await postgres.query(
            PaymentQueries.find(try context.identifier("id")), deadline: context.deadline)
        guard let row = rows.first else { throw ProblemDetails(.notFound) }
        var json = JSONWriter(capacity: 512)
        json.value(try PaymentQueries.view(row))
        return .json(json.bytes)
    }

    private func audit(_ context: RequestContext) async throws -> HTTPResponse {
        let answers = try await postgres.batch(
            [PaymentQueries.countByStatus, PaymentQueries.totals, Outbox.census, DeadLetter.census],
            options: .snapshot, deadline: context.deadline)
        var counts: [Payment.Status: Int64] = [:]
        for row in answers[0] { counts[try row.rawValue(0)] = try row.int8(1) }
        let totals = try answers[1].map { (try $0.text(0), try $0.int8(1), try $0.int8(2)) }
        let outboxPending = try answers[2][0].int8(0)
        let deadLetters = try answers[3][0].int8(0)
        var json = JSONWriter(capacity: 512)
        json.object {
            $0.member("service", "payment-service")
            $0.member("takenAt", time.wallNow)
            $0.object("payments") {
                for status in Payment.Status.allCases {
                    $0.name(status.rawValue)
                    $0.value(counts[status] ?? 0)
                }
            }
            $0.object("totals") {
                for (currency, captured, refunded) in totals {
                    $0.name(currency)
                    $0.object {
                        $0.member("captured", captured)
                        $0.member("refunded", refunded)
                    }
                }
            }
            $0.member("outboxPending", outboxPending)
            $0.member("deadLetters", deadLetters)
        }
        return .json(json.bytes)
    }
}

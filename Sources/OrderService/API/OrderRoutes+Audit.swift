import Clocks
import HTTPCodec
import JSON
import Messaging
import Postgres
import Saga
import SagaRuntime
import ServiceChassis

extension OrderRoutes {
    /// The books of order-service, from one consistent snapshot.
    func audit(_ context: RequestContext) async throws -> HTTPResponse {
        let answers = try await postgres.batch(
            [
                OrderStatements.countByStatus, OrderStatements.confirmedTotals, SagaStatements.countByStatus,
                SagaStatements.countOverdue, Outbox.census, DeadLetter.census,
            ], options: .snapshot, deadline: context.deadline)
        var orders: [Order.Status: Int64] = [:]
        for row in answers[0] { orders[try row.rawValue(0)] = try row.int8(1) }
        let totals = try answers[1].map { (currency: try $0.text(0), confirmed: try $0.int8(1)) }
        var sagas: [SagaState.Status: Int64] = [:]
        for row in answers[2] { sagas[try row.rawValue(0)] = try row.int8(1) }
        let overdue = try answers[3][0].int8(0)
        let outboxPending = try answers[4][0].int8(0)
        let deadLetters = try answers[5][0].int8(0)
        var json = JSONWriter(capacity: 640)
        json.object {
            $0.member("service", "order-service")
            $0.member("takenAt", time.wallNow)
            $0.object("orders") {
                for status in Order.Status.allCases {
                    $0.name(status.rawValue)
                    $0.value(orders[status] ?? 0)
                }
            }
            $0.object("totals") {
                for (currency, confirmed) in totals {
                    $0.name(currency)
                    $0.object { $0.member("confirmed", confirmed) }
                }
            }
            $0.object("sagas") {
                for status in [
                    SagaState.Status.running, .compensating, .parked, .quarantined, .completed, .compensated,
                ] {
                    $0.name(status.rawValue)
                    $0.value(sagas[status] ?? 0)
                }
                $0.member("overdue", overdue)
            }
            $0.member("outboxPending", outboxPending)
            $0.member("deadLetters", deadLetters)
        }
        return .json(json.bytes)
    }
}

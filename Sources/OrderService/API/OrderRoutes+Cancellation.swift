import Clocks
import Contracts
import HTTPCodec
import JSON
import Postgres
import Saga
import ServiceChassis

extension OrderRoutes {
    /// Takes the wish to cancel an order. The lock on the saga's row decides between it and a reply that comes meanwhile, at
    /// whichever replica: what is answered here is what happens.
    func cancel(_ context: RequestContext) async throws -> HTTPResponse {
        if let document = try context.optionalDocument() { try context.decode(document) { _ in } }
        let order = try await visibleOrder(context)
        let reason = Reason.cancelledByCustomer.rawValue
        guard let answer = try await sagas.cancel(order.id, reason: reason, deadline: context.deadline) else {
            throw ProblemDetails(
                .dependencyUnavailable, detail: "The order is in the hands of a newer version of this service.")
        }
        switch answer {
        case .accepted: return .json(try await current(order.id, context), status: .accepted)
        case .alreadyCompleted: throw Self.refusal("already-confirmed", "The order is confirmed.")
        case .alreadyFailed: throw Self.refusal("already-rejected", "The order was rejected.")
        }
    }

    /// The order of the path, as far as the caller may know of it.
    func visibleOrder(_ context: RequestContext) async throws -> Order {
        let id = try context.identifier("id")
        guard let row = try await postgres.query(OrderStatements.find(id), deadline: context.deadline).first else {
            throw ProblemDetails(.notFound)
        }
        let order = try OrderStatements.order(row)
        // As if it did not exist, so that ids cannot be probed.
        guard context.principal.mayAct(for: order.customerID) else { throw ProblemDetails(.notFound) }
        return order
    }

    private func current(_ id: UUID, _ context: RequestContext) async throws -> [UInt8] {
        let rows = try await postgres.query(OrderStatements.find(id), deadline: context.deadline)
        guard let row = rows.first else { throw ProblemDetails(.notFound) }
        var json = JSONWriter(capacity: 1024)
        json.value(try OrderStatements.order(row))
        return json.bytes
    }

    private static func refusal(_ reason: String, _ detail: String) -> ProblemDetails {
        ProblemDetails(.cancellationRefused, detail: detail, extensions: [.init("reason", .string(reason))])
    }
}

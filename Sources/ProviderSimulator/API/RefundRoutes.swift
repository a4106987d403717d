import Clocks
import Contracts
import HTTPCodec
import JSON
import ServiceChassis

/// The payment provider: giving back a part of a charge.
struct RefundRoutes: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let gate: RequestGate
    let time: any TimeSource

    func add(to router: inout Router) {
        router.post("/v1/refunds", access: .everyone, gate.guarded(.refunds, .post) { try await refund($0) })
        router.get(
            "/v1/refunds", access: .everyone, query: PageRequest.parameters,
            gate.guarded(.queries, .get) { try await list($0) })
        router.get("/v1/refunds/{key}", access: .everyone, gate.guarded(.queries, .get) { try await find($0) })
    }

    private func refund(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.idempotencyKey().text
        let document = try context.document()
        let fingerprint = RequestFingerprint(context, document).bytes
        let order = try context.decode(document) { body in
            RefundOrder(
                key: key, charge: body.string("charge", length: 1...255, matching: JSONCharacters("!-~")),
                amount: body.object("amount") { Money(&$0, in: ChargeRoutes.amounts) }, fingerprint: fingerprint)
        }
        switch try await keeper.change({ $0.refund(order, at: $1, random: $2) }) {
        case .made(let refund): return .json(refund.document, status: .created)
        case .known(let refund): return .json(refund.document)
        case .keyReused: throw ProblemDetails.idempotencyKeyReused
        case .unknownCharge: throw ProblemDetails(.notFound, detail: "There is no such charge.")
        case .notCaptured(let status):
            throw ProblemDetails(.chargeNotCaptured, detail: "The charge is \(status.rawValue).")
        case .otherCurrency(let currency):
            throw ProblemDetails.validationFailed([.init(.pointer("#/amount/currency"), "the charge is in \(currency)")]
            )
        case .exceeds(let remaining):
            throw ProblemDetails(.refundExceedsCharge, detail: "\(remaining) minor units remain.")
        case .ledgerFull: throw ProblemDetails.ledgerFull
        }
    }

    private func find(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        guard let refund = try await keeper.read({ $0.refunds[key] }),
            // A refund has no status to lie about but that it is there.
            faults.lie(about: key, changed: refund.createdAt, now: time.wallNow) == nil
        else { throw ProblemDetails(.notFound) }
        return .json(refund.document)
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let page = try context.page()
        let start = try context.pageStart(page)
        let rows = try await keeper.read { $0.refunds.page(from: start, limit: page.fetchLimit) }
        return page.page(rows) { .text(String($0.position)) }.response { $0.value($1.entry) }
    }
}

import Clocks
import Contracts
import HTTPCodec
import JSON
import ServiceChassis

/// The payment provider: charges, their reversal, refunds.
struct ChargeRoutes: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let gate: RequestGate
    let time: any TimeSource

    static let amounts: ClosedRange<Int64> = 1...1_000_000_000_000

    func add(to router: inout Router) {
        router.post("/v1/charges", access: .everyone, gate.guarded(.charges, .post) { try await charge($0) })
        router.get(
            "/v1/charges", access: .everyone, query: PageRequest.parameters,
            gate.guarded(.queries, .get) { try await list($0) })
        router.get("/v1/charges/{key}", access: .everyone, gate.guarded(.queries, .get) { try await find($0) })
        router.post(
            "/v1/charges/{key}/reversal", access: .everyone, body: .optionalJSON,
            gate.guarded(.refunds, .post) { try await reverse($0) })
        RefundRoutes(keeper: keeper, faults: faults, gate: gate, time: time).add(to: &router)
    }

    private func charge(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.idempotencyKey().text
        let document = try context.document()
        let fingerprint = RequestFingerprint(context, document).bytes
        let order = try context.decode(document) { body in
            ChargeOrder(
                key: key, amount: body.object("amount") { Money(&$0, in: Self.amounts) },
                token: body.string("token", length: 1...128, matching: JSONCharacters("A-Za-z0-9_-")),
                reference: body.string("reference", length: 1...64, matching: JSONCharacters("!-~")),
                fingerprint: fingerprint)
        }
        switch try await keeper.change({ $0.charge(order, at: $1, random: $2) }) {
        case .made(let charge, let manner): return try await answer(charge, manner)
        case .known(let charge): return .json(charge.document)
        case .keyReused: throw ProblemDetails.idempotencyKeyReused
        case .reversedBefore:
            throw ProblemDetails(.chargeReversed, detail: "Nothing was captured, and nothing will be.")
        case .refused:
            faults.countToken("flaky-token")
            return InjectedError.response(503)
        case .ledgerFull: throw ProblemDetails.ledgerFull
        }
    }

    private func answer(_ charge: Charge, _ manner: ChargeOutcome.Manner) async throws -> HTTPResponse {
        let response = HTTPResponse.json(charge.document, status: .created)
        switch manner {
        case .plain: return response
        case .lost:
            faults.countToken("lost-token")
            return response.abort(reset: false)
        case .failing:
            faults.countToken("failing-token")
            return InjectedError.response(500)
        case .whenDecided:
            if let dueAt = charge.dueAt { try await time.sleep(for: time.wallNow.duration(to: dueAt)) }
            let decided = try await keeper.change { ledger, now, random in
                ledger.advance(to: now, random: random)
                return ledger.charges[charge.key]
            }
            return .json((decided ?? charge).document, status: .created)
        }
    }

    private func reverse(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        try context.requireEmptyBody()
        guard let charge = try await keeper.change({ $0.reverse(key, at: $1, random: $2) }) else {
            throw ProblemDetails.ledgerFull
        }
        return .json(charge.document)
    }

    private func find(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        guard var charge = try await keeper.read({ $0.charges[key] }) else { throw ProblemDetails(.notFound) }
        if let lie = faults.lie(about: key, changed: charge.updatedAt, now: time.wallNow) {
            guard let told = charge.told(lie) else { throw ProblemDetails(.notFound) }
            charge = told
        }
        return .json(charge.document)
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let page = try context.page()
        let start = try context.pageStart(page)
        let rows = try await keeper.read { $0.charges.page(from: start, limit: page.fetchLimit) }
        return page.page(rows) { .text(String($0.position)) }.response { $0.value($1.entry) }
    }
}

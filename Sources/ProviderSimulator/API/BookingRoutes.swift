import Clocks
import Contracts
import HTTPCodec
import JSON
import ServiceChassis

/// The carrier: booking, tracking, cancelling, handing over.
struct BookingRoutes: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let gate: RequestGate
    let time: any TimeSource

    func add(to router: inout Router) {
        router.post("/v1/bookings", access: .everyone, gate.guarded(.bookings, .post) { try await book($0) })
        router.get(
            "/v1/bookings", access: .everyone, query: PageRequest.parameters,
            gate.guarded(.queries, .get) { try await list($0) })
        router.get("/v1/bookings/{key}", access: .everyone, gate.guarded(.queries, .get) { try await find($0) })
        router.post(
            "/v1/bookings/{key}/cancellation", access: .everyone, body: .optionalJSON,
            gate.guarded(.bookings, .post) { try await cancel($0) })
        router.post(
            "/v1/bookings/{key}/confirmation", access: .everyone, body: .optionalJSON,
            gate.guarded(.bookings, .post) { try await confirm($0) })
    }

    private func book(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.idempotencyKey().text
        let document = try context.document()
        let fingerprint = RequestFingerprint(context, document).bytes
        let order = try context.decode(document) { body in
            let shipTo = body.object("shipTo") { Address(&$0) }
            // What is in the parcel does not matter to this carrier, but it must be something.
            _ = body.objects("lines", count: 1...100) { OrderLine(&$0) }
            return BookingOrder(
                key: key, country: shipTo.country,
                reference: body.string("reference", length: 1...64, matching: JSONCharacters("!-~")),
                fingerprint: fingerprint)
        }
        switch try await keeper.change({ $0.book(order, at: $1, random: $2) }) {
        case .made(let booking): return .json(booking.document, status: .created)
        case .known(let booking): return .json(booking.document)
        case .keyReused: throw ProblemDetails.idempotencyKeyReused
        case .cancelledBefore:
            throw ProblemDetails(.bookingCancelled, detail: "It was cancelled before it came; nothing was booked.")
        case .ledgerFull: throw ProblemDetails.ledgerFull
        }
    }

    private func cancel(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        try context.requireEmptyBody()
        switch try await keeper.change({ $0.cancel(key, at: $1, random: $2) }) {
        case .done(let booking): return .json(booking.document)
        case .alreadyDispatched(let status):
            throw ProblemDetails(.alreadyDispatched, detail: "The booking is \(status.rawValue).")
        case .ledgerFull: throw ProblemDetails.ledgerFull
        }
    }

    private func confirm(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        try context.requireEmptyBody()
        switch try await keeper.change({ ledger, now, _ in ledger.confirm(key, at: now) }) {
        case .done(let booking): return .json(booking.document)
        case .unknown: throw ProblemDetails(.notFound)
        case .notBooked(.refused): throw ProblemDetails(.bookingRefused)
        case .notBooked: throw ProblemDetails(.bookingCancelled)
        }
    }

    private func find(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.key()
        guard var booking = try await keeper.read({ $0.bookings[key] }) else { throw ProblemDetails(.notFound) }
        if let lie = faults.lie(about: key, changed: booking.updatedAt, now: time.wallNow) {
            guard let told = booking.told(lie) else { throw ProblemDetails(.notFound) }
            booking = told
        }
        return .json(booking.document)
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let page = try context.page()
        let start = try context.pageStart(page)
        let rows = try await keeper.read { $0.bookings.page(from: start, limit: page.fetchLimit) }
        return page.page(rows) { .text(String($0.position)) }.response { $0.value($1.entry) }
    }
}

import Clocks
import Contracts
import HTTPCodec
import JSON
import Messaging
import Postgres
import Saga
import SagaRuntime
import ServiceChassis
import Telemetry

/// What order-service answers to the outside.
struct OrderRoutes: Sendable {
    let postgres: PostgresClient
    let placement: OrderPlacement
    let intake: OrderIntake
    /// How many orders may be taken now.
    let admission: OrderAdmission
    let waiters: OrderWaiters
    let sagas: SagaCoordinator<PlaceOrderProcess>
    let parts: OrderParts
    /// Keeps up the view that lists are served from.
    let projector: OrderProjector
    /// How often each client may place an order; nil for no limit.
    let rateLimit: ClientRateLimit?
    let time: any TimeSource

    func add(to router: inout Router) {
        router.post("/v1/orders", access: .customers(.ordersWrite), waits: true, rateLimit: rateLimit) {
            try await place($0)
        }
        router.get(
            "/v1/orders", access: .customers(.ordersRead), query: PageRequest.parameters + ["customerId", "status"],
            priority: .background
        ) { try await list($0) }
        router.get("/v1/orders/{id}", access: .customers(.ordersRead)) { try await show($0) }
        router.post(
            "/v1/orders/{id}/cancellation", access: .customers(.ordersWrite), body: .optionalJSON, priority: .critical
        ) { try await cancel($0) }
        router.get("/v1/audit", access: .operators, priority: .background) { try await audit($0) }
    }

    // MARK: Placing

    private func place(_ context: RequestContext) async throws -> HTTPResponse {
        // Before any work: what is refused must cost next to nothing.
        try admission.admit()
        let key = try context.idempotencyKey()
        let document = try context.document()
        let fingerprint = RequestFingerprint(context, document)
        let answer: IntakeAnswer
        do {
            let request = try context.decode(document) { OrderRequest(&$0) }
            guard context.principal.mayAct(for: request.customerID) else { throw ProblemDetails.foreignCustomer }
            let trace = TraceContext.current
            answer = try await placement.place(
                request, key: key, fingerprint: fingerprint,
                trace: TraceHeaders(traceparent: trace?.traceparent, tracestate: trace?.tracestate),
                deadline: context.deadline)
        } catch {
            // What is said of the key goes before what is wrong with the request: it may be a repeat of one that was right.
            guard let recorded = try await intake.recorded(key, fingerprint, deadline: context.deadline) else {
                throw error
            }
            answer = .replayed(recorded)
        }
        return await respond(to: context, with: answer)
    }

    /// The recorded answer, or with `Prefer: wait` the order as soon as its outcome is known.
    private func respond(to context: RequestContext, with answer: IntakeAnswer) async -> HTTPResponse {
        let recorded: RecordedAnswer
        var response: HTTPResponse
        switch answer {
        case .accepted(let first): (recorded, response) = (first, first.first)
        case .replayed(let earlier): (recorded, response) = (earlier, earlier.replay)
        }
        guard let wait = context.wait else { return response }
        // The order is accepted: what remains is to wait for others.
        context.waitsFromHere()
        let until = min(context.deadline, time.now.advanced(by: wait.duration))
        if let decided = await decidedOrder(recorded, until: until) {
            response.status = .ok
            response.body = .bytes(decided)
        }
        response.fields.append("Preference-Applied", wait.applied)
        return response
    }

    /// The order's JSON once its outcome is known; nil when it is not known by `until`. The order is accepted whatever
    /// happens here, so trouble while waiting is no error.
    private func decidedOrder(_ recorded: RecordedAnswer, until: MonotonicInstant) async -> [UInt8]? {
        guard let id = recorded.location?.split(separator: "/").last.flatMap({ UUID($0) }) else { return nil }
        let patience = until.advanced(by: .seconds(1))
        for isLast in [false, true] {
            if let row = try? await postgres.query(OrderStatements.find(id), deadline: patience).first,
                let order = try? OrderStatements.order(row), order.status.isOutcomeKnown
            {
                var json = JSONWriter(capacity: 1024)
                json.value(order)
                return json.bytes
            }
            if !isLast { await waiters.wait(for: id, until: until) }
        }
        return nil
    }

    // MARK: Reading

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let asked = try context.queryText("customerId")
        if let asked, !context.principal.mayAct(for: asked) { throw ProblemDetails.foreignCustomer }
        let customerID = asked ?? context.principal.confinedTo
        let status = try context.queryChoice("status", of: Order.Status.self)
        let page = try context.page(filter: [customerID, status?.rawValue])
        await projector.catchUp()
        let rows = try await postgres.query(
            OrderStatements.list(
                customerID: customerID, status: status,
                after: page.afterMoment.map { (createdAt: $0.time, id: $0.id) }, limit: page.fetchLimit),
            deadline: context.deadline)
        let orders = try rows.map { try OrderStatements.order($0) }
        return page.page(orders) { .moment($0.createdAt, $0.id) }.response { $0.value($1) }
    }

    private func show(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        let answers = try await postgres.batch(
            [OrderStatements.find(id), JournalStatements.journal(of: id)], options: .snapshot,
            deadline: context.deadline)
        guard let row = answers[0].first else { throw ProblemDetails(.notFound) }
        let order = try OrderStatements.order(row)
        // As if it did not exist, so that ids cannot be probed.
        guard context.principal.mayAct(for: order.customerID) else { throw ProblemDetails(.notFound) }
        let timeline = try answers[1].map { try JournalStatements.entry($0) }
        let (payment, shipment) = await parts.parts(of: id, deadline: context.deadline)
        var degraded: [String] = []
        func part(_ part: OrderParts.Part, _ name: String) -> [UInt8] {
            switch part {
            case .found(let json): return json ?? Array("null".utf8)
            case .degraded(let json):
                degraded.append(name)
                return json ?? Array("null".utf8)
            }
        }
        var json = JSONWriter(capacity: 3072)
        json.object {
            order.writeMembers(to: &$0)
            $0.array("timeline", timeline) { $1.write(to: &$0) }
            $0.raw("payment", part(payment, "payment"))
            $0.raw("shipment", part(shipment, "shipment"))
            $0.member("degraded", degraded)
        }
        return .json(json.bytes)
    }
}

extension ProblemDetails {
    /// 403: the request names a customer whom the caller is not. It tells nothing of that customer.
    fileprivate static var foreignCustomer: ProblemDetails {
        ProblemDetails(.forbidden, detail: "The token does not stand for this customerId.")
    }
}

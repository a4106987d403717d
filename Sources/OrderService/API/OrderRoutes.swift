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
    let waiters: OrderWaiters
    let parts: OrderParts
    let time: any TimeSource

    func add(to router: inout Router) {
        router.post("/v1/orders", waits: true) { try await place($0) }
        router.get("/v1/orders", query: PageRequest.parameters + ["customerId", "status"]) { try await list($0) }
        router.get("/v1/orders/{id}") { try await show($0) }
        router.get("/v1/audit") { try await audit($0) }
    }

    // MARK: Placing

    private func place(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.idempotencyKey()
        let document = try context.document()
        let fingerprint = RequestFingerprint(context, document)
        let answer: IntakeAnswer
        do {
            let request = try context.decode(document) { OrderRequest(&$0) }
            let trace = TraceContext.current
            answer = try await placement.place(
                request, key: key, fingerprint: fingerprint,
                trace: TraceHeaders(traceparent: trace?.traceparent, tracestate: trace?.tracestate))
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
        let customerID = try context.queryText("customerId")
        let status = try context.queryChoice("status", of: Order.Status.self)
        let page = try context.page(filter: [customerID, status?.rawValue])
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
        let timeline = try answers[1].map { try JournalStatements.entry($0) }
        let (payment, shipment) = await parts.parts(of: id, deadline: context.deadline)
        var degraded: [String] = []
        func part(_ part: OrderParts.Part, _ name: String) -> [UInt8] {
            switch part {
            case .found(let json): return json ?? Array("null".utf8)
            case .unavailable:
                degraded.append(name)
                return Array("null".utf8)
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

extension SagaJournalEntry {
    /// The entry as a line of an order's timeline.
    fileprivate func write(to json: inout JSONWriter) {
        json.object {
            $0.member("step", step)
            $0.member("kind", kind.rawValue)
            $0.member("undoes", undoes)
            $0.member("status", status.rawValue)
            $0.member("attempts", attempts)
            $0.member("channel", channel.rawValue)
            $0.member("startedAt", startedAt)
            $0.member("finishedAt", finishedAt)
            $0.member("detail", detail)
        }
    }
}

import Clocks
import HTTPCodec
import JSON
import Postgres
import Saga
import SagaRuntime
import ServiceChassis
import Telemetry

/// What operators see of sagas and do to them, on the admin port. Each of their wishes is in the log.
struct SagaRoutes: Sendable {
    let postgres: PostgresClient
    let sagas: SagaCoordinator<PlaceOrderProcess>
    let log: Logger

    func add(to router: inout Router) {
        router.get(
            "/admin/sagas", access: .operators, query: PageRequest.parameters + ["status", "step", "olderThan"]
        ) { try await list($0) }
        router.get("/admin/sagas/{id}", access: .operators) { context in
            try await show(try context.identifier("id"), context)
        }
        wish("retry", on: &router) { try await sagas.retry($0) }
        wish("redrive", on: &router) { try await sagas.redrive($0) }
        wish("compensate", on: &router) { saga in
            switch try await sagas.cancel(saga, reason: SagaMachine.timedOut) {
            case .accepted: .done
            case .alreadyCompleted: .ignored("the point of no return is passed")
            case .alreadyFailed: .ignored("the saga has ended")
            case nil: .notFound
            }
        }
        router.post("/admin/sagas/redrive", access: .operators, body: .none, query: ["compensation"]) { context in
            try await redriveAll(context)
        }
    }

    private func wish(
        _ name: String, on router: inout Router, _ act: @escaping @Sendable (UUID) async throws -> WishOutcome
    ) {
        router.post("/admin/sagas/{id}/\(name)", access: .operators, body: .none) { context in
            let saga = try context.identifier("id")
            let outcome = try await act(saga)
            note(name, "\(saga)", outcome.label, context)
            switch outcome {
            case .done: return try await show(saga, context)
            case .ignored(let reason): throw ProblemDetails(.notApplicable, detail: "Nothing was done: \(reason).")
            case .notFound: throw ProblemDetails(.notFound)
            case .leftAlone:
                throw ProblemDetails(.notApplicable, detail: "This replica does not know the saga's version.")
            }
        }
    }

    private func redriveAll(_ context: RequestContext) async throws -> HTTPResponse {
        let names = sagas.process.definition.steps.compactMap { $0.compensation?.name }
        guard let compensation = try context.queryText("compensation"), names.contains(compensation) else {
            throw ProblemDetails.invalidParameter("compensation", "must be one of \(names.joined(separator: ", "))")
        }
        let count = try await sagas.redriveAll(compensation)
        note("redrive", compensation, String(count), context)
        var json = JSONWriter(capacity: 64)
        json.object { $0.member("redriven", count) }
        return .json(json.bytes)
    }

    private func note(_ wish: String, _ target: String, _ outcome: String, _ context: RequestContext) {
        log.warning(
            "an operator controls sagas",
            [
                "command": .text(wish), "target": .text(target), "outcome": .text(outcome),
                "operator": .text(context.caller),
            ])
    }

    // MARK: Seeing

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let status = try context.queryChoice("status", of: SagaState.Status.self)
        let step = try context.queryText("step")
        let age = try context.queryText("olderThan")
        let minimumAge = age.flatMap { SecondsText.read($0) }
        guard age == nil || minimumAge != nil else {
            throw ProblemDetails.invalidParameter("olderThan", "must be a number of seconds")
        }
        let page = try context.page(filter: [status?.rawValue, step, age])
        let rows = try await postgres.query(
            SagaQueries.list(
                status: status, step: step, minimumAge: minimumAge,
                after: page.afterMoment.map { (startedAt: $0.time, id: $0.id) }, limit: page.fetchLimit),
            deadline: context.deadline)
        let summaries = try rows.map { try SagaQueries.summary($0) }
        return page.page(summaries) { .moment($0.state.startedAt, $0.id) }.response { json, saga in
            json.object { saga.writeMembers(to: &$0) }
        }
    }

    private func show(_ saga: UUID, _ context: RequestContext) async throws -> HTTPResponse {
        let answers = try await postgres.batch(
            [SagaQueries.find(saga), JournalStatements.journal(of: saga)], options: .snapshot,
            deadline: context.deadline)
        guard let row = answers[0].first else { throw ProblemDetails(.notFound) }
        let summary = try SagaQueries.summary(row)
        let journal = try answers[1].map { try JournalStatements.entry($0) }
        var json = JSONWriter(capacity: 2048)
        json.object {
            summary.writeMembers(to: &$0)
            $0.array("journal", journal) { $1.write(to: &$0) }
        }
        return .json(json.bytes)
    }
}

extension ProblemType {
    /// 409: the saga is not where the wish could be fulfilled. Of the admin port alone.
    fileprivate static let notApplicable = ProblemType(409, "not-applicable", "The saga is not in a state for this")
}

extension WishOutcome {
    fileprivate var label: String {
        switch self {
        case .done: "done"
        case .ignored: "ignored"
        case .notFound: "not-found"
        case .leftAlone: "left-alone"
        }
    }
}

extension SagaSummary {
    fileprivate func writeMembers(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("definition", definition)
        json.member("version", version)
        json.member("status", state.status.rawValue)
        json.member("step", step)
        json.member("attempts", state.attempts)
        json.member("failure", state.failure)
        json.member("startedAt", state.startedAt)
        json.member("stepStartedAt", state.stepStartedAt)
        json.member("dueAt", state.dueAt)
    }
}

import Clocks
import HTTPCodec
import ServiceChassis

/// Stands before every route of the provider: counts the call and plays the faults that are in force on it.
struct RequestGate: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let metrics: SimulatorMetrics
    let time: any TimeSource

    /// The route's handler with faults before and after it.
    func guarded(
        _ scope: FaultScope, _ method: HTTPMethod, _ handler: @escaping Router.Handler
    ) -> Router.Handler {
        { context in
            metrics.countCall("\(method.name) \(context.route.text)")
            let decision = faults.decide(scope)
            if let refusal = decision.refusal { return try await refuse(refusal, after: decision.latencyAfter) }
            let response = try await carryOut(handler, context, after: decision.latencyBefore)
            try await wait(decision.latencyAfter)
            return spoil(response, decision.mishap)
        }
    }

    private func refuse(_ refusal: FaultDecision.Refusal, after latency: Duration) async throws -> HTTPResponse {
        switch refusal {
        case .hang(let duration):
            // Who goes away, or a stop that cannot wait, ends it earlier.
            try? await wait(duration)
            return .abort(reset: false)
        case .throttle(let seconds, let form):
            try await wait(latency)
            return throttled(seconds, form)
        case .reset:
            try await wait(latency)
            return .abort(reset: true)
        case .error(let status):
            try await wait(latency)
            return InjectedError.response(status)
        }
    }

    /// The answer in both forms that `Retry-After` has.
    private func throttled(_ seconds: Int, _ form: FaultRules.RetryAfterForm) -> HTTPResponse {
        var response = ProblemDetails(.tooManyRequests, detail: "The provider asks for a pause.").response()
        switch form {
        case .seconds: response.fields.set("Retry-After", String(seconds))
        case .date:
            let date = HTTPDate(time.wallNow.advanced(by: .seconds(seconds)))
            response.fields.set("Retry-After", String(decoding: date.text, as: UTF8.self))
        }
        return response
    }

    /// Late work is done whether or not the client is still there, so it has a task of its own; its wait is bounded by the
    /// longest latency, and their number by the connections there are.
    private func carryOut(
        _ handler: @escaping Router.Handler, _ context: RequestContext, after latency: Duration
    ) async throws -> HTTPResponse {
        guard latency > .zero else { return try await keeper.whileInHand { try await answer(handler, context) } }
        let work = Task {
            try await keeper.whileInHand {
                try await time.sleep(for: latency)
                return try await answer(handler, context)
            }
        }
        return try await work.value
    }

    /// A refusal of the request is an answer like another: it can be lost too.
    private func answer(_ handler: Router.Handler, _ context: RequestContext) async throws -> HTTPResponse {
        do {
            return try await handler(context)
        } catch let problem as ProblemDetails {
            return problem.response()
        }
    }

    private func spoil(_ response: HTTPResponse, _ mishap: FaultDecision.Mishap?) -> HTTPResponse {
        // A handler that has lost its answer by itself has nothing left to spoil.
        guard let bytes = response.bytes else { return response }
        switch mishap {
        case .error(let status): return InjectedError.response(status)
        case .loseAnswer: return response.abort(reset: false)
        case .truncate: return response.abort(after: .bytes(bytes.count / 2), reset: false)
        case nil: return response
        }
    }

    private func wait(_ duration: Duration) async throws {
        if duration > .zero { try await time.sleep(for: duration) }
    }
}

/// A 5xx that says nothing about what was done.
enum InjectedError {
    static func response(_ status: Int) -> HTTPResponse {
        let document =
            #"{"type":"urn:holdfast:problem:injected-fault","title":"The provider failed","status":\#(status)}"#
        var response = HTTPResponse(
            status: HTTPStatus(status), contentType: "application/problem+json", bytes: Array(document.utf8))
        if status == 503 { response.fields.append("Retry-After", "1") }
        return response
    }
}

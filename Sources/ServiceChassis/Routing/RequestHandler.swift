import Clocks
import HTTPCodec
import Resilience
import Telemetry

/// Answers the requests of one port: finds the route, asks who calls, checks what every request must obey, runs the
/// handler, and turns whatever goes wrong into a problem document.
package final class RequestHandler: Sendable {
    private let router: Router
    private let authenticator: Authenticator
    private let load: LoadLimit?
    private let faults: FaultInjector?
    private let deadline: Duration
    private let time: any TimeSource
    private let logger: Logger
    private let tracer: Tracer
    private let metrics: RouteMetrics?

    /// A handler that gives each request `deadline` unless it asks for less; without `metrics` requests are not counted,
    /// as those of the admin port are not, and without `load` none is refused for being one too many.
    package init(
        _ router: Router, authenticator: Authenticator, load: LoadLimit? = nil, faults: FaultInjector? = nil,
        deadline: Duration, time: any TimeSource, logger: Logger, tracer: Tracer, metrics: StandardMetrics?
    ) {
        self.router = router
        self.authenticator = authenticator
        self.load = load
        self.faults = faults
        self.deadline = deadline
        self.time = time
        self.logger = logger
        self.tracer = tracer
        self.metrics = metrics.map(RouteMetrics.init)
    }

    /// The answer to a request; never fails.
    package func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let began = request.receivedAt == .unknown ? time.now : request.receivedAt
        let (route, response) = await answer(request, now: began)
        let duration = began.duration(to: time.now)
        metrics?.record(route: route, method: request.method, status: response.status, duration: duration)
        logger.debug(
            "request answered",
            [
                "method": .text(request.method.name), "route": .text(route), "status": .count(response.status.code),
                "duration": .duration(duration),
            ])
        return response
    }

    private func answer(_ request: HTTPRequest, now: MonotonicInstant) async -> (route: String, HTTPResponse) {
        let path: [String]
        do {
            path = try request.pathSegments()
        } catch {
            return (RouteMetrics.unmatched, respond(to: error, route: RouteMetrics.unmatched))
        }
        switch router.resolve(request.method, path) {
        case .notFound:
            return (RouteMetrics.unmatched, ProblemDetails(.notFound).response())
        case .methodNotAllowed(let template, let allow):
            var response = ProblemDetails(.methodNotAllowed, detail: "The resource allows \(allow).").response()
            response.fields.set("Allow", allow)
            return (template.text, response)
        case .route(let route, let parameters):
            let response = await run(route, parameters, request, path, now: now)
            return (route.template.text, response)
        }
    }

    private func run(
        _ route: Router.Route, _ parameters: PathParameters, _ request: HTTPRequest, _ path: [String],
        now: MonotonicInstant
    ) async -> HTTPResponse {
        let parent = request.fields["traceparent"].flatMap { traceparent in
            let states = request.fields.values("tracestate")
            return TraceContext(
                traceparent: traceparent, tracestate: states.isEmpty ? nil : states.joined(separator: ","))
        }
        let span = tracer.start(
            route.template.text, kind: .server, parent: parent,
            attributes: [
                SpanAttribute("http.request.method", .text(request.method.name)),
                SpanAttribute("http.route", .text(route.template.text)),
            ])
        let response = await TraceContext.$current.withValue(span.context) {
            await admit(route, parameters, request, path, now: now)
        }
        span.set("http.response.status_code", .integer(Int64(response.status.code)))
        span.end(response.status.code >= 500 ? .error(response.status.description) : .unset)
        return response
    }

    /// Refuses the request if it is one too many; that comes first, because it has to cost next to nothing.
    private func admit(
        _ route: Router.Route, _ parameters: PathParameters, _ request: HTTPRequest, _ path: [String],
        now: MonotonicInstant
    ) async -> HTTPResponse {
        let load: RequestLoad?
        do throws(ProblemDetails) {
            load = try self.load?.admit(route.priority)
        } catch {
            metrics?.recordShed("concurrency-limit")
            return error.response()
        }
        let response = await serve(route, parameters, request, path, load, now: now)
        load?.end(response.status)
        return response
    }

    private func serve(
        _ route: Router.Route, _ parameters: PathParameters, _ request: HTTPRequest, _ path: [String],
        _ load: RequestLoad?, now: MonotonicInstant
    ) async -> HTTPResponse {
        var rate: ClientRateLimit.Verdict?
        var response: HTTPResponse
        do {
            let principal = try await authenticator.admit(
                request.fields, to: route.access, route: route.template.text)
            rate = route.rateLimit?.take(principal)
            if let problem = rate?.problem { throw problem }
            let context = try RequestChecks.check(
                request, route, parameters, path, principal, load, standard: deadline, now: now)
            try checkDeadline(context)
            response = try await Deadline.$current.withValue(Deadline(at: context.deadline)) {
                try await handle(context, by: route)
            }
            if request.method == .head { response = Self.withoutStream(response) }
        } catch {
            response = respond(to: error, route: route.template.text)
        }
        rate?.describe(in: &response.fields)
        return response
    }

    /// Runs the handler, or what an injected fault wants in its place: `api/POST /v1/orders` is its name in rules, and the
    /// idempotency key its key.
    private func handle(_ context: RequestContext, by route: Router.Route) async throws -> HTTPResponse {
        guard let faults, faults.isActive else { return try await route.handler(context) }
        let result = await faults.call(
            "api/\(route.method.name) \(route.template.text)", key: context.request.fields[IdempotencyKey.header],
            error: { Broken(answer: HTTPResponse.injected($0)) }, outcome: { FaultKind.problem($0)?.response() }
        ) { () async throws(any Error) -> HTTPResponse in try await route.handler(context) }
        switch result {
        case .success(let response): return response
        case .failure(let error as Broken): return error.answer ?? .abort(reset: true)
        case .failure(let error): throw error
        case .rejected(.deadlineExceeded):
            throw ProblemDetails(.deadlineExceeded, detail: "The deadline passed while an injected fault waited.")
        case .rejected(.faultInjected):
            throw ProblemDetails(.overloaded, detail: "An injected fault refused the request.")
        case .rejected: throw CancellationError()
        }
    }

    /// An injected end of the connection.
    private struct Broken: Error {
        var answer: HTTPResponse?
    }

    /// Work whose deadline has passed is not begun: nobody waits for it any more.
    private func checkDeadline(_ context: RequestContext) throws(ProblemDetails) {
        guard time.now >= context.deadline else { return }
        metrics?.recordExpired(route: context.route.text)
        throw ProblemDetails(.deadlineExceeded, detail: "The deadline had passed before the request was begun.")
    }

    /// A stream has no length to announce and must not run for nobody.
    private static func withoutStream(_ response: HTTPResponse) -> HTTPResponse {
        guard case .stream = response.body else { return response }
        var response = response
        response.body = .bytes([])
        return response
    }

    private func respond(to error: any Error, route: String) -> HTTPResponse {
        let (problem, isOurFault) = ErrorAnswer.problem(for: error)
        switch problem.type {
        case .tooManyRequests: metrics?.recordShed("rate-limit")
        case .overloaded: metrics?.recordShed("queue-full")
        default: break
        }
        if isOurFault {
            logger.error("request failed for a reason of ours", ["route": .text(route), "error": .error(error)])
        } else if problem.type.status.code >= 500, problem.type != .overloaded {
            logger.warning("request not served", ["route": .text(route), "error": .error(error)])
        }
        var response = problem.response()
        if let challenge = (error as? AccessDenial)?.challenge { response.fields.set("WWW-Authenticate", challenge) }
        return response
    }
}

extension MonotonicInstant {
    /// What a request says that did not come over a connection.
    fileprivate static let unknown = MonotonicInstant(nanoseconds: 0)
}

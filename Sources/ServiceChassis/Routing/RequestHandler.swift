import Clocks
import HTTPCodec
import Resilience
import Telemetry

/// Answers the requests of one port: finds the route, checks what every request must obey, runs the handler, and turns
/// whatever goes wrong into a problem document.
package final class RequestHandler: Sendable {
    private let router: Router
    private let deadline: Duration
    private let time: any TimeSource
    private let logger: Logger
    private let tracer: Tracer
    private let metrics: RouteMetrics?

    /// A handler that gives each request `deadline` unless it asks for less; without `metrics` requests are not counted,
    /// as those of the admin port are not.
    package init(
        _ router: Router, deadline: Duration, time: any TimeSource, logger: Logger, tracer: Tracer,
        metrics: StandardMetrics?
    ) {
        self.router = router
        self.deadline = deadline
        self.time = time
        self.logger = logger
        self.tracer = tracer
        self.metrics = metrics.map(RouteMetrics.init)
    }

    /// The answer to a request; never fails.
    package func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let began = time.now
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
            do {
                let context = try RequestChecks.check(
                    request, route, parameters, path, standard: deadline, now: now)
                let response = try await Deadline.$current.withValue(Deadline(at: context.deadline)) {
                    try await route.handler(context)
                }
                return request.method == .head ? Self.withoutStream(response) : response
            } catch {
                return respond(to: error, route: route.template.text)
            }
        }
        span.set("http.response.status_code", .integer(Int64(response.status.code)))
        span.end(response.status.code >= 500 ? .error(response.status.description) : .unset)
        return response
    }

    /// A stream has no length to announce and must not run for nobody.
    private static func withoutStream(_ response: HTTPResponse) -> HTTPResponse {
        guard response.bytes == nil else { return response }
        var response = response
        response.body = .bytes([])
        return response
    }

    private func respond(to error: any Error, route: String) -> HTTPResponse {
        let (problem, isOurFault) = ErrorAnswer.problem(for: error)
        if isOurFault {
            logger.error("request failed for a reason of ours", ["route": .text(route), "error": .error(error)])
        } else if problem.type.status.code >= 500 {
            logger.warning("request not served", ["route": .text(route), "error": .error(error)])
        }
        return problem.response()
    }
}

import Clocks
import HTTPCodec

/// What every request has to obey before its handler sees it.
enum RequestChecks {
    /// - Throws: ``ProblemDetails`` for the first rule that is broken.
    static func check(
        _ request: HTTPRequest, _ route: Router.Route, _ parameters: PathParameters, _ path: [String],
        _ principal: Principal, _ load: RequestLoad?, standard: Duration, now: MonotonicInstant
    ) throws(ProblemDetails) -> RequestContext {
        let query = try query(of: request, route)
        let wait = route.waits ? WaitPreference(request.fields) : nil
        let deadline = try deadline(of: request, wait, standard: standard, now: now)
        try checkBody(of: request, route.body)
        return RequestContext(
            request: request, route: route.template, parameters: parameters, query: query, deadline: deadline,
            wait: wait, path: path, principal: principal, load: load)
    }

    private static func query(of request: HTTPRequest, _ route: Router.Route) throws(ProblemDetails) -> HTTPQuery {
        do {
            let query = try request.queryParameters()
            try query.requireOnly(route.query)
            return query
        } catch {
            throw ProblemDetails(error)
        }
    }

    /// The deadline counts from `now`, the moment the request was complete, so that time spent waiting counts too.
    private static func deadline(
        of request: HTTPRequest, _ wait: WaitPreference?, standard: Duration, now: MonotonicInstant
    ) throws(ProblemDetails) -> MonotonicInstant {
        var allowed = standard + (wait?.duration ?? .zero)
        if let asked = try RequestTimeout.read(request.fields) { allowed = min(allowed, asked) }
        return now.advanced(by: allowed)
    }

    private static func checkBody(of request: HTTPRequest, _ rule: Router.BodyRule) throws(ProblemDetails) {
        switch (rule, request.body.isEmpty) {
        case (.none, true), (.optionalJSON, true):
            return
        case (.none, false):
            throw ProblemDetails(.malformedRequest, detail: "This resource takes no body.")
        case (.json, true), (.cloudEvent, true):
            guard MediaType.check(request.fields) != .unsupported else { throw unsupported }
            throw ProblemDetails(.malformedRequest, detail: "The body is empty; a JSON object is needed.")
        case (.json, false), (.optionalJSON, false):
            guard MediaType.check(request.fields) == .json else { throw unsupported }
        case (.cloudEvent, false):
            guard MediaType.check(request.fields) == .json || MediaType.isStructuredEvent(request.fields) else {
                throw ProblemDetails(
                    .unsupportedMediaType,
                    detail: "The body must be application/json, or application/cloudevents+json, in UTF-8.")
            }
        }
    }

    private static var unsupported: ProblemDetails {
        ProblemDetails(.unsupportedMediaType, detail: "The body must be application/json in UTF-8.")
    }
}

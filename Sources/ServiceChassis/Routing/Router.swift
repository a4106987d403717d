import HTTPCodec
import Resilience

/// The routes of one port: which path and method is answered by whom, for whom, and what a request may bring along.
///
/// ```swift
/// var router = Router()
/// router.get("/v1/orders/{id}", access: .customers(.ordersRead)) { context in
///     try await .json(orders.find(context.identifier("id")))
/// }
/// router.post("/v1/orders", access: .customers(.ordersWrite), body: .json, waits: true) { context in … }
/// ```
///
/// Before a handler runs, the caller, the path, the query's names, the headers and the kind of body have been checked. `HEAD` is
/// answered wherever `GET` is.
package struct Router: Sendable {
    /// Answers a request; what it throws becomes a problem document in ``RequestHandler``.
    package typealias Handler = @Sendable (RequestContext) async throws -> HTTPResponse

    /// What a route wants of a request's body.
    package enum BodyRule: Sendable, Hashable {
        /// None; a request that has one is refused.
        case none
        /// A JSON document.
        case json
        /// A JSON document or nothing.
        case optionalJSON
        /// A CloudEvent with JSON data, in binary or structured mode.
        case cloudEvent
    }

    package struct Route: Sendable {
        package let method: HTTPMethod
        package let template: RouteTemplate
        package let access: Access
        let body: BodyRule
        let query: [String]
        let waits: Bool
        let priority: CallPriority
        let rateLimit: ClientRateLimit?
        let handler: Handler
    }

    enum Resolution {
        case route(Route, PathParameters)
        /// The path is known; the value of `Allow`.
        case methodNotAllowed(RouteTemplate, allow: String)
        case notFound
    }

    private var routes: [Route] = []

    package init() {}

    /// The routes in the order in which they were added.
    package var all: [Route] { routes }

    /// Adds a route.
    ///
    /// `access` says who may call it, `body` what the request's body has to be, `query` which query parameters there are
    /// (any other is refused), and `waits` whether `Prefer: wait=N` is honoured, which lengthens the request's deadline by
    /// N seconds. `rateLimit` is how often each client may call it.
    ///
    /// `priority` decides who is refused first when the port has more to do than it can: background work (lists, audits)
    /// before what a customer waits for, and what keeps a promise already made (a cancellation) last of all.
    package mutating func on(
        _ method: HTTPMethod, _ template: String, access: Access, body: BodyRule = .none, query: [String] = [],
        waits: Bool = false, priority: CallPriority = .normal, rateLimit: ClientRateLimit? = nil,
        _ handler: @escaping Handler
    ) {
        let template = RouteTemplate(template)
        precondition(
            !routes.contains { $0.method == method && $0.template == template },
            "the route \(method) \(template.text) is added twice")
        routes.append(
            Route(
                method: method, template: template, access: access, body: body, query: query, waits: waits,
                priority: priority, rateLimit: rateLimit, handler: handler))
    }

    package mutating func get(
        _ template: String, access: Access, query: [String] = [], waits: Bool = false,
        priority: CallPriority = .normal, _ handler: @escaping Handler
    ) {
        on(.get, template, access: access, query: query, waits: waits, priority: priority, handler)
    }

    package mutating func post(
        _ template: String, access: Access, body: BodyRule = .json, query: [String] = [], waits: Bool = false,
        priority: CallPriority = .normal, rateLimit: ClientRateLimit? = nil, _ handler: @escaping Handler
    ) {
        on(
            .post, template, access: access, body: body, query: query, waits: waits, priority: priority,
            rateLimit: rateLimit, handler)
    }

    package mutating func put(
        _ template: String, access: Access, body: BodyRule = .json, query: [String] = [],
        _ handler: @escaping Handler
    ) {
        on(.put, template, access: access, body: body, query: query, handler)
    }

    package mutating func delete(
        _ template: String, access: Access, query: [String] = [], _ handler: @escaping Handler
    ) {
        on(.delete, template, access: access, query: query, handler)
    }

    /// Adds the routes of another router.
    package mutating func add(_ other: Router) {
        for route in other.routes {
            on(
                route.method, route.template.text, access: route.access, body: route.body, query: route.query,
                waits: route.waits, priority: route.priority, rateLimit: route.rateLimit, route.handler)
        }
    }

    /// Finds who answers; among templates that match, the one with more fixed segments is meant.
    func resolve(_ method: HTTPMethod, _ path: [String]) -> Resolution {
        let effective = method == .head ? .get : method
        var best: (route: Route, parameters: PathParameters)?
        var known: RouteTemplate?
        var methods: [String] = []
        for route in routes {
            guard let parameters = route.template.match(path) else { continue }
            if route.method == effective {
                if best.map({ $0.route.template.literalCount < route.template.literalCount }) ?? true {
                    best = (route, parameters)
                }
            } else {
                known = known ?? route.template
                methods.append(route.method.name)
                if route.method == .get { methods.append("HEAD") }
            }
        }
        if let best { return .route(best.route, best.parameters) }
        guard let known else { return .notFound }
        return .methodNotAllowed(known, allow: Set(methods).sorted().joined(separator: ", "))
    }
}

import HTTPCodec

/// The routes of one port: which path and method is answered by whom, and what a request may bring along.
///
/// ```swift
/// var router = Router()
/// router.get("/v1/orders/{id}") { context in
///     try await .json(orders.find(context.identifier("id")))
/// }
/// router.post("/v1/orders", body: .json, waits: true) { context in … }
/// ```
///
/// Before a handler runs, the path, the query's names, the headers and the kind of body have been checked. `HEAD` is
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
    }

    package struct Route: Sendable {
        package let method: HTTPMethod
        package let template: RouteTemplate
        let body: BodyRule
        let query: [String]
        let waits: Bool
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
    /// `body` says what the request's body has to be, `query` which query parameters there are (any other is refused), and
    /// `waits` whether `Prefer: wait=N` is honoured, which lengthens the request's deadline by N seconds.
    package mutating func on(
        _ method: HTTPMethod, _ template: String, body: BodyRule = .none, query: [String] = [], waits: Bool = false,
        _ handler: @escaping Handler
    ) {
        let template = RouteTemplate(template)
        precondition(
            !routes.contains { $0.method == method && $0.template == template },
            "the route \(method) \(template.text) is added twice")
        routes.append(
            Route(method: method, template: template, body: body, query: query, waits: waits, handler: handler))
    }

    package mutating func get(
        _ template: String, query: [String] = [], waits: Bool = false, _ handler: @escaping Handler
    ) {
        on(.get, template, query: query, waits: waits, handler)
    }

    package mutating func post(
        _ template: String, body: BodyRule = .json, query: [String] = [], waits: Bool = false,
        _ handler: @escaping Handler
    ) {
        on(.post, template, body: body, query: query, waits: waits, handler)
    }

    package mutating func put(
        _ template: String, body: BodyRule = .json, query: [String] = [], _ handler: @escaping Handler
    ) {
        on(.put, template, body: body, query: query, handler)
    }

    package mutating func delete(_ template: String, query: [String] = [], _ handler: @escaping Handler) {
        on(.delete, template, query: query, handler)
    }

    /// Adds the routes of another router.
    package mutating func add(_ other: Router) {
        for route in other.routes {
            on(
                route.method, route.template.text, body: route.body, query: route.query, waits: route.waits,
                route.handler)
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

import Clocks
import HTTPCodec
import JSON

/// A request on its way through a handler, its outer form checked.
package struct RequestContext: Sendable {
    package let request: HTTPRequest
    /// The template of the route, `/v1/orders/{id}`.
    package let route: RouteTemplate
    package let parameters: PathParameters
    package let query: HTTPQuery
    /// When the answer has to be there; handed to every call the handler makes.
    package let deadline: MonotonicInstant
    /// What `Prefer: wait=N` asked for, on routes that honour it.
    package let wait: WaitPreference?
    /// Who calls.
    package let principal: Principal
    /// The path's segments, decoded.
    let path: [String]
    /// What the request counts for in the load of its port; nil where nobody counts.
    let load: RequestLoad?

    package init(
        request: HTTPRequest, route: RouteTemplate, parameters: PathParameters, query: HTTPQuery,
        deadline: MonotonicInstant, wait: WaitPreference?, path: [String],
        principal: Principal, load: RequestLoad? = nil
    ) {
        self.request = request
        self.route = route
        self.parameters = parameters
        self.query = query
        self.deadline = deadline
        self.wait = wait
        self.path = path
        self.principal = principal
        self.load = load
    }
}

extension RequestContext {
    /// The path parameter as an id.
    ///
    /// - Throws: 404 `not-found` when it has no id's form: such a resource does not exist.
    package func identifier(_ name: String) throws(ProblemDetails) -> UUID {
        guard let id = UUID(parameters[name]) else { throw ProblemDetails(.notFound) }
        return id
    }

    /// The query parameter as text; nil when it is absent.
    ///
    /// - Throws: 400 `invalid-parameter` when it is given twice or is empty.
    package func queryText(_ name: String) throws(ProblemDetails) -> String? {
        let value: String?
        do { value = try query.value(name) } catch { throw ProblemDetails(error) }
        guard value != "" else { throw .invalidParameter(name, "must not be empty") }
        return value
    }

    /// The query parameter as an id; nil when it is absent.
    ///
    /// - Throws: 400 `invalid-parameter` when it is none.
    package func queryIdentifier(_ name: String) throws(ProblemDetails) -> UUID? {
        guard let text = try queryText(name) else { return nil }
        guard let id = UUID(text) else { throw .invalidParameter(name, "must be a UUID") }
        return id
    }

    /// The query parameter as one of an enumeration's raw values; nil when it is absent.
    ///
    /// - Throws: 400 `invalid-parameter` naming the values there are.
    package func queryChoice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(ProblemDetails) -> Choice? {
        guard let text = try queryText(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidParameter(name, "must be one of \(names)")
        }
        return choice
    }

    /// The idempotency key of the request, in the scope of its client.
    ///
    /// - Throws: 400 `idempotency-key-missing` or `idempotency-key-invalid`.
    package func idempotencyKey() throws(ProblemDetails) -> IdempotencyKey {
        try IdempotencyKey(request.fields, scope: principal.idempotencyScope)
    }
}

extension RequestContext {
    /// The body as a JSON document; nil when there is none and the route allows that.
    ///
    /// - Throws: 400 `malformed-request` with line and column.
    package func optionalDocument() throws(ProblemDetails) -> JSONDocument? {
        request.body.isEmpty ? nil : try document()
    }

    /// The body as a JSON document.
    ///
    /// - Throws: 400 `malformed-request` with line and column.
    package func document() throws(ProblemDetails) -> JSONDocument {
        do { return try JSONDocument(parsing: request.body) } catch { throw ProblemDetails(error) }
    }

    /// Decodes the body's object, collecting everything that is wrong with it.
    ///
    /// - Throws: 400 `malformed-request`, or 422 `validation-failed` with a pointer to each fault.
    package func decode<Value>(_ body: (inout JSONObjectDecoder) -> Value) throws(ProblemDetails) -> Value {
        try decode(try document(), body)
    }

    /// Decodes the object of a body that was read before.
    ///
    /// - Throws: 422 `validation-failed` with a pointer to each fault.
    package func decode<Value>(
        _ document: JSONDocument, _ body: (inout JSONObjectDecoder) -> Value
    ) throws(ProblemDetails) -> Value {
        do { return try document.decode(body) } catch { throw ProblemDetails(error) }
    }
}

extension ProblemDetails {
    /// What a body that cannot be read or is not what was asked for is answered with.
    package init(_ error: JSONError) {
        switch error {
        case .malformed(let error):
            self.init(.malformedRequest, detail: "the body is not acceptable JSON: \(error)")
        case .invalid(let problems):
            self = .validationFailed(problems.map { Fault(.pointer($0.pointer), $0.detail) })
        }
    }

    /// 422 `validation-failed` at these places of the body.
    package static func validationFailed(_ faults: [Fault]) -> ProblemDetails {
        let count = faults.count == 1 ? "1 field needs attention" : "\(faults.count) fields need attention"
        return ProblemDetails(.validationFailed, detail: count, errors: faults)
    }
}

import HTTPCodec
import JSON

/// The switches of the proxy over HTTP; see ``FaultProxyOptions/helpText`` for its routes.
struct ControlAPI: Sendable {
    let loop: ProxyLoop
    let seed: UInt64

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(ProblemDetails) {
            return try await route(request)
        } catch {
            return error.response()
        }
    }

    private func route(_ request: HTTPRequest) async throws(ProblemDetails) -> HTTPResponse {
        guard let path = try? request.pathSegments() else { throw ProblemDetails(.malformedRequest) }
        let method = request.method == .head ? .get : request.method
        switch path.count {
        case 1 where path == ["links"]:
            try allow([.get], method)
            let reports = try await onLoop { $0.links.map(LinkReport.init) }
            var json = JSONWriter()
            json.object {
                $0.member("seed", seed)
                $0.member("links", reports)
            }
            return .json(json.bytes)
        case 1 where path == ["reset"]:
            try allow([.post], method)
            try await onLoop { $0.reset() }
            return HTTPResponse(status: .noContent)
        case 2 where path[0] == "links":
            try allow([.get], method)
            return .json(Self.document(try await report(path[1])))
        case 3 where path[0] == "links":
            guard let direction = Direction(rawValue: path[2]) else {
                throw ProblemDetails(.notFound, detail: "A link has the directions upstream and downstream.")
            }
            return try await answer(request, method, name: path[1], direction)
        default:
            throw ProblemDetails(.notFound, detail: "There are /links, /links/{name}/{upstream|downstream} and /reset.")
        }
    }

    private func answer(
        _ request: HTTPRequest, _ method: HTTPMethod, name: String, _ direction: Direction
    ) async throws(ProblemDetails) -> HTTPResponse {
        try allow([.get, .put, .delete], method)
        switch method {
        case .put:
            let faults = try Self.faults(request.body, direction)
            try await apply(faults, name, direction)
            return .json(Self.document(faults))
        case .delete:
            try await apply(.none, name, direction)
            return HTTPResponse(status: .noContent)
        default:
            let report = try await report(name)
            return .json(Self.document(direction == .upstream ? report.upstream : report.downstream))
        }
    }

    private func apply(_ faults: LaneFaults, _ name: String, _ direction: Direction) async throws(ProblemDetails) {
        let isFound = try await onLoop { loop in
            guard let index = loop.links.firstIndex(where: { $0.specification.name == name }) else { return false }
            loop.apply(faults, to: direction, of: index)
            return true
        }
        guard isFound else { throw Self.unknown(name) }
    }

    private func report(_ name: String) async throws(ProblemDetails) -> LinkReport {
        let report = try await onLoop { loop in
            loop.links.first { $0.specification.name == name }.map(LinkReport.init)
        }
        guard let report else { throw Self.unknown(name) }
        return report
    }

    private func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (ProxyLoop) -> Value
    ) async throws(ProblemDetails) -> Value {
        guard let value = await loop.perform(body) else {
            throw ProblemDetails(.dependencyUnavailable, detail: "The proxy is stopping.")
        }
        return value
    }

    private func allow(_ methods: [HTTPMethod], _ method: HTTPMethod) throws(ProblemDetails) {
        guard methods.contains(method) else { throw ProblemDetails(.methodNotAllowed) }
    }

    private static func unknown(_ name: String) -> ProblemDetails {
        ProblemDetails(.notFound, detail: "There is no link \(name); GET /links lists them.")
    }

    private static func document(_ value: some JSONEncodable) -> [UInt8] {
        var json = JSONWriter()
        json.value(value)
        return json.bytes
    }

    private static func faults(_ body: [UInt8], _ direction: Direction) throws(ProblemDetails) -> LaneFaults {
        let document: JSONDocument
        do { document = try JSONDocument(parsing: body) } catch {
            throw ProblemDetails(.malformedRequest, detail: error.description)
        }
        do { return try document.decode { LaneFaults(&$0, direction: direction) } } catch {
            guard case .invalid(let problems) = error else { throw ProblemDetails(.malformedRequest) }
            throw ProblemDetails(
                .validationFailed, detail: error.description,
                errors: problems.map { .init(.pointer($0.pointer), $0.detail) })
        }
    }
}

import Clocks
import HTTPCodec
import JSON
import Messaging
import Telemetry

/// Dead letters on the admin port: operators see them, edit them, send them back and discard them.
package struct DeadLetterRoutes: Sendable {
    /// How many letters one call sends back.
    private static let redriveLimits = 1...1000
    private static let standardRedriveLimit = 100
    private static let filter = ["reason", "topic"]

    private let directory: DeadLetterDirectory
    private let logger: Logger

    package init(_ directory: DeadLetterDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    package func add(to router: inout Router) {
        let base = "/admin/dead-letters"
        router.get(base, access: .operators, query: PageRequest.parameters + Self.filter + ["status"]) {
            try await list($0)
        }
        router.get("\(base)/{id}", access: .operators) { try await show($0) }
        router.put("\(base)/{id}", access: .operators) { try await edit($0) }
        router.delete("\(base)/{id}", access: .operators, query: ["reason"]) { try await discard($0) }
        router.post("\(base)/{id}/redrive", access: .operators, body: .none) { try await redrive($0) }
        router.post("\(base)/redrive", access: .operators, body: .none, query: Self.filter + ["limit"]) {
            try await redriveMany($0)
        }
    }

    // MARK: Reading

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let filter = DeadLetterFilter(
            status: try context.queryChoice("status") ?? .open, reason: try context.queryChoice("reason"),
            topic: try context.queryText("topic"))
        let page = try context.page(filter: [filter.status?.rawValue, filter.reason?.rawValue, filter.topic])
        let (letters, counts) = try await desk().list(
            filter, after: page.afterText.flatMap { UUID($0) }, limit: page.fetchLimit, deadline: context.deadline)
        let shown = page.page(letters) { .text($0.id.description) }
        var json = JSONWriter(capacity: 1024 * (shown.items.count + 1))
        json.object {
            $0.array("items", shown.items) { $1.writeSummary(to: &$0) }
            $0.member("nextCursor", shown.nextCursor)
            $0.array("counts", counts) { json, entry in
                json.object {
                    $0.member("topic", entry.topic)
                    $0.member("reason", entry.reason.rawValue)
                    $0.member("count", entry.count)
                }
            }
        }
        return .json(json.bytes)
    }

    private func show(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        return answer(try await decided { try await $0.find(id, deadline: context.deadline) })
    }

    // MARK: Deciding

    private func edit(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        let change = try context.decode { DeadLetterChange(&$0) }
        let letter = try await decided {
            try await $0.edit(
                id, headers: change.headers, payload: change.payload, by: context.caller, deadline: context.deadline)
        }
        tell("an operator edits a dead letter", letter, context)
        return answer(letter)
    }

    private func discard(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        guard let reason = try context.queryText("reason"), reason.count <= 500 else {
            throw ProblemDetails.invalidParameter(
                "reason", "must say in 1 to 500 characters why it is to have no effect")
        }
        let letter = try await decided {
            try await $0.discard(id, by: context.caller, because: reason, deadline: context.deadline)
        }
        tell("an operator discards a dead letter", letter, context)
        return answer(letter)
    }

    private func redrive(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        let letter = try await decided {
            try await $0.redrive(id, by: context.caller, deadline: context.deadline)
        }
        tell("an operator redrives a dead letter", letter, context)
        return answer(letter, status: .accepted)
    }

    private func redriveMany(_ context: RequestContext) async throws -> HTTPResponse {
        let filter = DeadLetterFilter(reason: try context.queryChoice("reason"), topic: try context.queryText("topic"))
        let limit = try context.redriveLimit(in: Self.redriveLimits) ?? Self.standardRedriveLimit
        let (ids, withoutOrder) = try await desk().redrive(
            filter, limit: limit, by: context.caller, deadline: context.deadline)
        logger.warning(
            "an operator redrives dead letters", ["count": .count(ids.count), "operator": .text(context.caller)])
        var json = JSONWriter(capacity: 64 + 48 * ids.count)
        json.object {
            $0.array("redriven", ids) { $0.value($1) }
            $0.member("withoutOrder", withoutOrder)
        }
        return .json(json.bytes, status: .accepted)
    }

    // MARK: Common

    private func desk() throws(ProblemDetails) -> DeadLetterDesk {
        guard let desk = directory.current else { throw ProblemDetails(.notFound) }
        return desk
    }

    private func decided(
        _ body: (DeadLetterDesk) async throws -> StoredDeadLetter
    ) async throws -> StoredDeadLetter {
        do {
            return try await body(try desk())
        } catch let refusal as DeadLetterDesk.Refusal {
            switch refusal {
            case .notFound: throw ProblemDetails(.notFound)
            case .notOpen(let status):
                throw ProblemDetails(.deadLetterNotOpen, detail: "The letter's status is \(status.rawValue).")
            case .noOrder:
                throw ProblemDetails(
                    .deadLetterWithoutOrder,
                    detail: "Edit its headers first: ce_subject has to be the order's id.")
            }
        }
    }

    private func answer(_ letter: StoredDeadLetter, status: HTTPStatus = .ok) -> HTTPResponse {
        var json = JSONWriter(capacity: 2048)
        letter.writeAll(to: &json)
        return .json(json.bytes, status: status)
    }

    private func tell(_ message: StaticString, _ letter: StoredDeadLetter, _ context: RequestContext) {
        logger.warning(
            message,
            [
                "deadLetter": .uuid(letter.id), "topic": .text(letter.topic), "reason": .optional(letter.resolution),
                "operator": .text(context.caller),
            ])
    }
}

/// What an operator wants a letter to say instead; what is not given stays.
struct DeadLetterChange {
    var headers: [(name: String, value: [UInt8]?)]?
    var payload: [UInt8]?

    init(_ body: inout JSONObjectDecoder) {
        payload = body.optional("payload").map { Array($0.string(length: 1...1_000_000).utf8) }
        if let field = body.optional("headers") {
            headers = field.any().flatMap { KeptRecord.headers($0) }
            if headers == nil {
                field.refuse("must be a list of [name, value], or [name, hexadecimal digits, \"hex\"]")
            }
        }
        if headers == nil, payload == nil { body.refuse("must have payload, headers, or both") }
    }
}

extension ProblemType {
    static let deadLetterNotOpen = ProblemType(
        409, "dead-letter-not-open", "The dead letter has been decided about already")
    static let deadLetterWithoutOrder = ProblemType(
        409, "dead-letter-without-order", "The dead letter names no order")
}

extension RequestContext {
    fileprivate func redriveLimit(in range: ClosedRange<Int>) throws(ProblemDetails) -> Int? {
        guard let text = try queryText("limit") else { return nil }
        guard let limit = Int(text), range.contains(limit) else {
            throw .invalidParameter("limit", "must be an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return limit
    }
}

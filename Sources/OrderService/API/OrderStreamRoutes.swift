import Clocks
import Contracts
import HTTPCodec
import JSON
import Postgres
import ServiceChassis

/// Server-sent events: status changes of one order, or of all that the caller may see.
struct OrderStreamRoutes: Sendable {
    static let resumeHeader = "Last-Event-ID"
    /// A comment line this often keeps connections open and shows that the stream lives.
    private static let heartbeat = Duration.seconds(15)

    let postgres: PostgresClient
    let feed: OrderFeed
    let time: any TimeSource

    func add(to router: inout Router) {
        router.get("/v1/orders/{id}/events", access: .customers(.ordersRead)) { try await followOne($0) }
        router.get("/v1/events", access: .customers(.ordersRead)) { try await followAll($0) }
    }

    // MARK: Beginning

    private func followAll(_ context: RequestContext) async throws -> HTTPResponse {
        let bounds = try await postgres.query(OrderViewStatements.bounds, deadline: context.deadline)
        let place = try resumedPlace(context, bounds[0]) ?? (try bounds[0].int8(0))
        let customer = context.principal.confinedTo
        return stream(context) {
            OrderStream(place: place) { entry in customer == nil || entry.customerID == customer }
        }
    }

    private func followOne(_ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.identifier("id")
        let answers = try await postgres.batch(
            [OrderViewStatements.bounds, OrderStatements.find(id), OrderViewStatements.lastEntry(of: id)],
            options: .snapshot, deadline: context.deadline)
        guard let row = answers[1].first else { throw ProblemDetails(.notFound) }
        let order = try OrderStatements.order(row)
        guard context.principal.mayAct(for: order.customerID) else { throw ProblemDetails(.notFound) }
        let last = try answers[2].first.map { try OrderViewStatements.entry($0) }
        if let place = try resumedPlace(context, answers[0][0]) {
            // With nothing to come behind its place the stream of a finished order ends at once.
            let isOver = order.status.isFinal && last.map { $0.change.status.isFinal && $0.number <= place } ?? true
            return stream(context) { OrderStream(order: id, place: place, isOver: isOver) }
        }
        let current: FeedEntry
        if let last, last.change.status == order.status {
            current = last
        } else {
            // Its latest change is not in the feed yet, or no longer: what comes behind is told apart by its stage.
            current = FeedEntry(
                number: try answers[0][0].int8(0), customerID: order.customerID,
                change: StatusChange(
                    orderID: id, status: order.status, reason: order.reason, at: order.updatedAt))
        }
        return stream(context) { OrderStream(order: id, beginning: current) }
    }

    /// The number behind which the client wants to go on; nil when it does not say.
    ///
    /// - Throws: 400 when it is no number of this feed, or one from which a gap cannot be ruled out any more.
    private func resumedPlace(_ context: RequestContext, _ bounds: Row) throws -> Int64? {
        guard let text = context.request.fields[Self.resumeHeader], !text.isEmpty else { return nil }
        let (last, keptFrom) = (try bounds.int8(0), try bounds.int8(1))
        guard let number = Int64(text), (0...last).contains(number) else {
            throw ProblemDetails.invalidHeader(Self.resumeHeader, "is not the id of an event of this stream")
        }
        guard number >= keptFrom - 1 else {
            throw ProblemDetails.invalidHeader(
                Self.resumeHeader, "is older than what is kept; read the orders and follow without it")
        }
        return number
    }

    private func stream(_ context: RequestContext, _ begin: @escaping @Sendable () -> OrderStream) -> HTTPResponse {
        var fields = HTTPFields()
        fields.append("Content-Type", "text/event-stream")
        fields.append("Cache-Control", "no-store")
        guard context.request.method != .head else { return HTTPResponse(status: .ok, fields: fields) }
        guard feed.enter() else {
            return ProblemDetails(.overloaded, detail: "Too many clients follow events at this replica.").response()
        }
        // From here on the place is given back by whatever ends the stream, also one that is never begun.
        let place = FollowerPlace(feed)
        return HTTPResponse(
            status: .ok, fields: fields,
            body: .stream(
                HTTPBodyStream { writer in
                    defer { withExtendedLifetime(place) {} }
                    try await follow(begin(), writer)
                }))
    }

    // MARK: Following

    private func follow(_ start: OrderStream, _ writer: HTTPBodyWriter) async throws {
        var stream = start
        // Something at once, so that the client knows that it is connected.
        try await writer.write(stream.opening)
        while !stream.isOver {
            switch await feed.news(after: stream.place, until: time.now.advanced(by: Self.heartbeat)) {
            case .entries(let entries): try await write(stream.take(entries), writer)
            case .behind: try await write(try await catchUp(&stream), writer)
            case .nothing: try await writer.write(": still here\n\n")
            case .over: return
            }
        }
    }

    /// Reads what is behind the place from the table.
    private func catchUp(_ stream: inout OrderStream) async throws -> String {
        let deadline = time.now.advanced(by: .seconds(10))
        let answers = try await postgres.batch(
            [
                OrderViewStatements.bounds,
                OrderViewStatements.entries(after: stream.place, of: stream.order, limit: OrderFeed.batch),
            ], options: .snapshot, deadline: deadline)
        // What was pruned meanwhile is a gap; the client learns of it when it resumes.
        guard stream.place >= (try answers[0][0].int8(1)) - 1 else { throw HTTPBodyStreamError.cancelled }
        let entries = try answers[1].map { try OrderViewStatements.entry($0) }
        let text = stream.take(entries)
        // Fewer than asked for: there is no more of it up to the snapshot's last number.
        if entries.count < OrderFeed.batch { stream.advance(to: try answers[0][0].int8(0)) }
        return text
    }

    private func write(_ text: String, _ writer: HTTPBodyWriter) async throws {
        if !text.isEmpty { try await writer.write(text) }
    }
}

/// A follower's place in the feed's count; given back when nobody holds it any more.
private final class FollowerPlace: Sendable {
    private let feed: OrderFeed
    init(_ feed: OrderFeed) { self.feed = feed }
    deinit { feed.leave() }
}

/// Where one stream stands: which entries it shows, and as what. Pure.
struct OrderStream: Sendable {
    /// The order that is followed; nil for all.
    let order: UUID?
    /// The number of the last entry that was shown or passed over.
    private(set) var place: Int64
    /// Nothing follows any more.
    private(set) var isOver = false
    /// What the client gets before anything else.
    private(set) var opening: String
    private let isWanted: @Sendable (FeedEntry) -> Bool
    /// The stage of the last status shown, for one order; a change that leads no further was shown already.
    private var stage: Int?

    /// All entries behind a place for which `isWanted` is true.
    init(place: Int64, isWanted: @escaping @Sendable (FeedEntry) -> Bool) {
        order = nil
        self.place = place
        self.isWanted = isWanted
        opening = ": connected\n\n"
    }

    /// The entries of an order behind a place.
    init(order: UUID, place: Int64, isOver: Bool) {
        self.order = order
        self.place = place
        self.isOver = isOver
        isWanted = { $0.change.orderID == order }
        opening = ": connected\n\n"
    }

    /// An order's current status, then what becomes of it.
    init(order: UUID, beginning current: FeedEntry) {
        self.init(order: order, place: current.number, isOver: current.change.status.isFinal)
        opening = Self.event(current)
        stage = current.change.status.stage
    }

    /// Takes the next entries; returns the events that the client gets.
    mutating func take(_ entries: [FeedEntry]) -> String {
        var text = ""
        for entry in entries where entry.number > place && !isOver {
            place = entry.number
            guard isWanted(entry) else { continue }
            if order != nil {
                let stage = entry.change.status.stage
                guard stage > self.stage ?? -1 else { continue }
                self.stage = stage
                isOver = entry.change.status.isFinal
            }
            text += Self.event(entry)
        }
        return text
    }

    /// There is nothing to show up to this number.
    mutating func advance(to number: Int64) {
        place = max(place, number)
    }

    private static func event(_ entry: FeedEntry) -> String {
        var json = JSONWriter(capacity: 160)
        json.object {
            $0.member("orderId", entry.change.orderID)
            $0.member("status", entry.change.status.rawValue)
            $0.member("reason", entry.change.reason?.rawValue)
            $0.member("at", entry.change.at)
        }
        return "id: \(entry.number)\nevent: order-status\ndata: \(String(decoding: json.bytes, as: UTF8.self))\n\n"
    }
}

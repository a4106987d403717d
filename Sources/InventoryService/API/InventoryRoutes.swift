import Clocks
import Contracts
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis

/// What inventory-service answers to the outside: the catalogue, its stock, receipts and reservations.
struct InventoryRoutes: Sendable {
    private static let skuCharacters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".utf8)
    private static let skuLimit = 100

    let postgres: PostgresClient
    let random: any RandomSource
    let time: any TimeSource

    init(postgres: PostgresClient, time: any TimeSource, random: any RandomSource) {
        self.postgres = postgres
        self.time = time
        self.random = random
    }

    func add(to router: inout Router) {
        router.get("/v1/items", access: .anyClient, query: PageRequest.parameters + ["sku"]) { try await list($0) }
        router.get("/v1/items/{sku}", access: .anyClient) { try await show($0) }
        router.put("/v1/items/{sku}", access: .operators) { try await put($0) }
        router.post("/v1/items/{sku}/receipts", access: .operators) { try await receive($0) }
        router.get("/v1/reservations/{orderId}", access: .services) { try await showReservation($0) }
        router.get("/v1/audit", access: .operators, query: PageRequest.parameters, priority: .background) {
            try await audit($0)
        }
    }

    private func list(_ context: RequestContext) async throws -> HTTPResponse {
        let skus = context.query.values("sku")
        guard skus.count <= Self.skuLimit else {
            throw ProblemDetails.invalidParameter("sku", "may be given at most \(Self.skuLimit) times")
        }
        guard !skus.contains("") else { throw ProblemDetails.invalidParameter("sku", "must not be empty") }
        let page = try context.page(filter: skus.sorted())
        let rows = try await postgres.query(
            ItemQueries.list(skus: skus, after: page.afterText, limit: page.fetchLimit), deadline: context.deadline)
        let items = try rows.map { try ItemQueries.item($0) }
        return page.page(items) { .text($0.sku) }.response { $0.value($1) }
    }

    private func show(_ context: RequestContext) async throws -> HTTPResponse {
        let rows = try await postgres.query(ItemQueries.find(context.parameters["sku"]), deadline: context.deadline)
        guard let row = rows.first else { throw ProblemDetails(.notFound) }
        return response(try ItemQueries.item(row), status: .ok)
    }

    private func put(_ context: RequestContext) async throws -> HTTPResponse {
        let sku = context.parameters["sku"]
        guard (1...64).contains(sku.utf8.count), sku.utf8.allSatisfy(Self.skuCharacters.contains) else {
            throw ProblemDetails.invalidParameter("sku", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")
        }
        let item = try context.decode { ItemDescription(&$0) }
        let rows = try await postgres.query(
            ItemQueries.put(sku: sku, name: item.name, unitPrice: item.unitPrice), deadline: context.deadline)
        let isNew = try rows[0].bool(8)
        var response = response(try ItemQueries.item(rows[0]), status: isNew ? .created : .ok)
        if isNew { response.fields.append("Location", "/v1/items/\(sku)") }
        return response
    }

    private func response(_ item: Item, status: HTTPStatus) -> HTTPResponse {
        var json = JSONWriter(capacity: 256)
        json.value(item)
        return .json(json.bytes, status: status)
    }

    private func receive(_ context: RequestContext) async throws -> HTTPResponse {
        let key = try context.idempotencyKey()
        let sku = context.parameters["sku"]
        let document = try context.document()
        let quantity = try context.decode(document) { $0.integer("quantity", in: Receipt.quantities) }
        let now = time.wallNow
        let receipt = Receipt(id: .version7(at: now, random: random), sku: sku, quantity: quantity, createdAt: now)
        var json = JSONWriter(capacity: 192)
        json.value(receipt)
        let record = IdempotencyRecord(
            key: key, fingerprint: RequestFingerprint(context, document),
            answer: RecordedAnswer(status: 201, body: json.bytes))
        return try await IdempotencyStore().once(record, on: postgres, at: now, deadline: context.deadline) { work in
            let received = try work.execute(ItemQueries.receive(sku: sku, quantity: quantity))
            guard !received.isEmpty else { throw ProblemDetails(.notFound) }
            try work.commit(after: [ItemQueries.record(receipt)])
        }
    }

    private func showReservation(_ context: RequestContext) async throws -> HTTPResponse {
        let rows = try await postgres.query(
            ItemQueries.reservation(of: try context.identifier("orderId")), deadline: context.deadline)
        guard let row = rows.first else { throw ProblemDetails(.notFound) }
        let orderID = try row.uuid(0)
        let status = try row.text(1)
        let lines = try OrderLine.list(decoding: try row.json(2))
        let createdAt = try row.timestamp(3)
        let updatedAt = try row.timestamp(4)
        var json = JSONWriter(capacity: 320)
        json.object {
            $0.member("orderId", orderID)
            $0.member("status", status)
            $0.member("lines", lines)
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
        return .json(json.bytes)
    }
}

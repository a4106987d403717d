import Clocks
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis

extension InventoryRoutes {
    /// How many items one answer lists, unless `limit` says less; each page repeats the other members.
    private static let auditItems = 1000

    /// The books of inventory, from one consistent snapshot.
    func audit(_ context: RequestContext) async throws -> HTTPResponse {
        let isPaged = !context.query.isEmpty
        let page = try context.page(standardLimit: isPaged ? nil : Self.auditItems)
        let answers = try await postgres.batch(
            [
                ItemQueries.stock(after: page.afterText, limit: page.fetchLimit), ItemQueries.reservationsByStatus,
                Outbox.census, DeadLetter.census,
            ], options: .snapshot, deadline: context.deadline)
        let items = try answers[0].map { row in
            (
                sku: try row.text(0),
                stock: StockLevel(
                    received: try row.int8(1), available: try row.int8(2), reserved: try row.int8(3),
                    shipped: try row.int8(4))
            )
        }
        var counts: [Reservation.Status: Int64] = [:]
        for row in answers[1] { counts[try row.rawValue(0)] = try row.int8(1) }
        let outboxPending = try answers[2][0].int8(0)
        let deadLetters = try answers[3][0].int8(0)
        let shown = page.page(items) { .text($0.sku) }
        var json = JSONWriter(capacity: 96 * shown.items.count + 320)
        json.object {
            $0.member("service", "inventory-service")
            $0.member("takenAt", time.wallNow)
            $0.array("items", shown.items) { json, item in
                json.object {
                    $0.member("sku", item.sku)
                    $0.member("received", item.stock.received)
                    $0.member("available", item.stock.available)
                    $0.member("reserved", item.stock.reserved)
                    $0.member("shipped", item.stock.shipped)
                }
            }
            $0.object("reservations") {
                for status in Reservation.Status.allCases {
                    $0.name(status.rawValue)
                    $0.value(counts[status] ?? 0)
                }
            }
            $0.member("outboxPending", outboxPending)
            $0.member("deadLetters", deadLetters)
            if shown.nextCursor != nil || isPaged { $0.member("nextCursor", shown.nextCursor) }
        }
        return .json(json.bytes)
    }
}

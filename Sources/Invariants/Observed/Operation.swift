/// One request of a history with what came of it.
///
/// What a client knows of a request is `ok` (done), `fail` (certainly not done) or `info` (unknown: it may still take
/// effect at any later time). Nobody may count `info` as failed.
package struct Operation: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// An order under a key of its own.
        case place
        /// The same request with the same key while the first is under way, at another replica where there is one.
        case twin
        /// The same request asked again because its outcome was unknown.
        case settle
        case cancel
        case read
    }

    package enum Outcome: String, Sendable {
        case ok, fail, info
    }

    /// What the order asks for, and so which ends it may have.
    package enum Intent: String, Sendable, CaseIterable {
        case ok, declined, outOfStock, carrierRefuses, slow, flaky
    }

    /// Its place in the history.
    package var index: Int
    package var process: Int
    package var kind: Kind
    package var outcome: Outcome
    /// Nanoseconds since the drill began; monotonic.
    package var invokedAt: Int64
    package var completedAt: Int64
    package var idempotencyKey: String?
    /// The customer, of whom there is one for each key: so an order can be traced to its requests.
    package var customerID: String?
    package var intent: Intent?
    package var orderID: String?
    /// The HTTP status; nil when there was no answer.
    package var status: Int?
    /// The order's status in the answer.
    package var orderStatus: String?
    /// The body of a 202, byte for byte.
    package var answer: String?
    /// The problem's slug, or what happened to the connection.
    package var detail: String
    package var traceID: String

    package init(
        index: Int, process: Int, kind: Kind, outcome: Outcome, invokedAt: Int64, completedAt: Int64,
        idempotencyKey: String? = nil, customerID: String? = nil, intent: Intent? = nil, orderID: String? = nil,
        status: Int? = nil, orderStatus: String? = nil, answer: String? = nil, detail: String = "",
        traceID: String = ""
    ) {
        self.index = index
        self.process = process
        self.kind = kind
        self.outcome = outcome
        self.invokedAt = invokedAt
        self.completedAt = completedAt
        self.idempotencyKey = idempotencyKey
        self.customerID = customerID
        self.intent = intent
        self.orderID = orderID
        self.status = status
        self.orderStatus = orderStatus
        self.answer = answer
        self.detail = detail
        self.traceID = traceID
    }

    /// Whether it asks for an order.
    package var isPlacing: Bool { kind == .place || kind == .twin || kind == .settle }
}

extension Operation: CustomStringConvertible {
    /// One line of a counterexample: `#12 +3.204 s … +3.310 s p7 place key drill-1-9 → ok 202 order 019… pending`.
    package var description: String {
        var parts = ["#\(index) \(Self.seconds(invokedAt)) … \(Self.seconds(completedAt)) p\(process) \(kind.rawValue)"]
        if let idempotencyKey { parts.append("key \(idempotencyKey)") }
        if let intent, isPlacing { parts.append("(\(intent.rawValue))") }
        parts.append("→ \(outcome.rawValue)" + (status.map { " \($0)" } ?? ""))
        if let orderID { parts.append("order \(orderID)") }
        if let orderStatus { parts.append(orderStatus) }
        if !detail.isEmpty { parts.append(detail) }
        return parts.joined(separator: " ")
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        let fraction = String(milliseconds % 1000)
        return "+\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction + " s"
    }
}

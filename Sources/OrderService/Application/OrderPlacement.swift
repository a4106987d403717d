import Clocks
import Contracts
import Defects
import HTTPCodec
import JSON
import Messaging
import ServiceChassis

/// Places orders: prices them, has them written, and answers what was recorded.
struct OrderPlacement: Sendable {
    private let prices: PriceBook
    private let intake: OrderIntake
    private let time: any TimeSource
    private let random: any RandomSource

    init(prices: PriceBook, intake: OrderIntake, time: any TimeSource, random: any RandomSource) {
        self.prices = prices
        self.intake = intake
        self.time = time
        self.random = random
    }

    /// Prices the order and has it written under its key.
    ///
    /// - Throws: `ProblemDetails`, or what makes placing it impossible now. Nothing is recorded then.
    func place(
        _ request: OrderRequest, key: IdempotencyKey, fingerprint: RequestFingerprint, trace: TraceHeaders,
        deadline: MonotonicInstant
    ) async throws -> IntakeAnswer {
        let order = try await priced(request)
        var json = JSONWriter(capacity: 1024)
        json.value(order)
        let key = Defect.keysForgotten.isOn ? try IdempotencyKey("\(order.id)", scope: key.scope) : key
        let answer = RecordedAnswer(status: 202, location: "/v1/orders/\(order.id)", body: json.bytes)
        return try await intake.accept(
            PricedOrder(
                order: order, paymentToken: request.paymentToken,
                record: IdempotencyRecord(key: key, fingerprint: fingerprint, answer: answer), trace: trace,
                deadline: deadline))
    }

    private func priced(_ request: OrderRequest) async throws -> Order {
        let items = try await prices.items(request.lines.map(\.sku))
        switch Pricing.price(request, with: items) {
        case .refused(let faults):
            throw ProblemDetails.validationFailed(faults.map { .init(.pointer($0.pointer), $0.detail) })
        case .priced(let lines, let total):
            // Stored to the microsecond, shown to the millisecond: kept at what is shown.
            let now = Timestamp(milliseconds: time.wallNow.milliseconds)
            return Order(
                id: .version7(at: now, random: random), customerID: request.customerID, status: .pending, reason: nil,
                currency: request.currency, total: total, lines: lines, shipTo: request.shipTo, createdAt: now,
                updatedAt: now)
        }
    }
}

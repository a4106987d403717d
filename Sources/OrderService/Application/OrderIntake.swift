import Clocks
import HTTPCodec
import Messaging
import Postgres
import ServiceChassis

/// An order that is checked and priced and waits to be written.
struct PricedOrder: Sendable {
    var order: Order
    var paymentToken: String
    var record: IdempotencyRecord
    var trace: TraceHeaders
}

/// Accepts orders: the idempotency record with its answer, the order, the start of its saga and its first messages are
/// one transaction.
///
/// Orders that arrive while others are being written are written together; alone, an order waits for nobody.
final class OrderIntake: Sendable {
    private let postgres: PostgresClient
    private let keys = IdempotencyStore()
    private let commits: GroupCommit<PricedOrder, IntakeAnswer>

    init(postgres: PostgresClient, writer: OrderWriter) {
        self.postgres = postgres
        commits = GroupCommit(maximumBatch: 64, maximumWaiting: 8192, flushes: 4) { await writer.write($0) }
    }

    /// Writes accepted orders until cancelled.
    func run() async {
        await commits.run()
    }

    /// The recorded answer, if the key was used before; nil when it is free.
    ///
    /// - Throws: 422 `idempotency-key-reused` when it was used for another request.
    func recorded(
        _ key: IdempotencyKey, _ fingerprint: RequestFingerprint, deadline: MonotonicInstant
    ) async throws -> RecordedAnswer? {
        let rows = try await postgres.query(keys.lookUp([key]), deadline: deadline)
        return try IdempotencyStore.records(rows)[key.text]?.answer(to: fingerprint)
    }

    /// Has the order written.
    ///
    /// - Throws: 422 `idempotency-key-reused`, 409 `idempotency-key-in-flight`, 503 `overloaded`, or `PostgresError`.
    func accept(_ order: PricedOrder) async throws -> IntakeAnswer {
        do {
            return try await commits.submit(order)
        } catch is GroupCommit<PricedOrder, IntakeAnswer>.Rejection {
            throw ProblemDetails(.overloaded, detail: "Too many orders wait to be written.")
        }
    }
}

/// What became of an order that was to be written.
enum IntakeAnswer: Sendable {
    /// Written now, with this answer.
    case accepted(RecordedAnswer)
    /// Its key was used before, for the same request.
    case replayed(RecordedAnswer)
}

import Clocks
import Defects
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
    /// When nobody waits for the answer any more.
    var deadline = MonotonicInstant.distantFuture
}

/// Accepts orders: the idempotency record with its answer, the order, the start of its saga and its first messages are
/// one transaction.
///
/// Orders that arrive while others are being written are written together; alone, an order waits for nobody.
final class OrderIntake: Sendable {
    private let postgres: PostgresClient
    private let keys = IdempotencyStore()
    private let commits: GroupCommit<PricedOrder, IntakeAnswer>
    private let expired: @Sendable () -> Void

    /// - Parameter expired: called for an order that is not written because its deadline has passed.
    init(
        postgres: PostgresClient, writer: OrderWriter, time: any TimeSource,
        expired: @escaping @Sendable () -> Void = {}
    ) {
        self.postgres = postgres
        self.expired = expired
        commits = GroupCommit(
            maximumBatch: 64, maximumWaiting: 8192, flushes: 2, isExpired: { $0.deadline <= time.now }
        ) { await writer.write($0) }
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
        if Defect.keysForgotten.isOn { return nil }
        let rows = try await postgres.query(keys.lookUp([key]), deadline: deadline)
        return try IdempotencyStore.records(rows)[key]?.answer(to: fingerprint)
    }

    /// Has the order written.
    ///
    /// - Throws: 422 `idempotency-key-reused`, 409 `idempotency-key-in-flight`, 503 `overloaded`, 504
    ///   `deadline-exceeded`, or `PostgresError`.
    func accept(_ order: PricedOrder) async throws -> IntakeAnswer {
        if Defect.answerBeforeCommit.isOn {
            Task { try await commits.submit(order) }
            return .accepted(order.record.answer)
        }
        do {
            let answer = try await commits.submit(order)
            CrashPoint.beforeAnswer.pass()
            return answer
        } catch GroupCommit<PricedOrder, IntakeAnswer>.Rejection.expired {
            expired()
            throw ProblemDetails(.deadlineExceeded, detail: "The deadline had passed before the order was written.")
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

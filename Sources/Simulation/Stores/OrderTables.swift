import Clocks
import Contracts
import OrderService
import Saga

/// The tables of order-service.
struct OrderTables {
    struct OrderRow {
        var id: UUID
        var plan: Int
        var status: Order.Status
        var reason: Reason?
        var amount: Money
        var lines: [OrderLine]
        var shipTo: Address
        var token: String
        /// When its confirmation is said again; nil while it is not confirmed, and once its goods have arrived.
        var followUp: FollowUp?
    }

    struct FollowUp {
        var repeats = 0
        var dueAt: Timestamp
    }

    struct SagaRow {
        var state: SagaState
        var journal: [SagaJournalEntry]
    }

    /// What is recorded under an idempotency key.
    struct KeyRow {
        var fingerprint: Int
        var answer: Answer
    }

    /// What a customer is told: the body of the recorded answer.
    struct Answer: Hashable {
        var orderID: UUID
        var amount: Money
    }

    var orders: [UUID: OrderRow] = [:]
    var sagas: [UUID: SagaRow] = [:]
    var keys: [String: KeyRow] = [:]
}

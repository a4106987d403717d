import Clocks
import Contracts

/// What a provider says about a charge.
enum ProviderAnswer: Hashable, Sendable {
    case captured(reference: String)
    case declined
    /// It could not say now; asking again, under the same reference of ours, is safe.
    case unavailable
}

/// The conversation with whoever moves the money.
///
/// Charges and refunds are identified by the payment's id: asked twice, a provider charges once.
protocol PaymentProvider: Sendable {
    /// The answer, when it is known without waiting; nil when ``charge(_:)`` has to be asked, outside any transaction.
    func immediateAnswer(to payment: Payment) -> ProviderAnswer?

    /// Asks for the money. `payment.attempts` counts the earlier calls.
    func charge(_ payment: Payment) async throws -> ProviderAnswer
}

import Clocks
import Contracts

/// What a provider is asked.
package enum ProviderCall: Hashable, Sendable {
    /// Take the money. `isFirst` when no charge of the payment can have reached the provider before.
    case charge(isFirst: Bool)
    /// What became of the charge?
    case query
    /// Give back what was taken; if nothing was, see to it that nothing can be.
    case reverse
}

/// What a provider says.
package enum ProviderAnswer: Hashable, Sendable {
    case captured(reference: String)
    case declined
    /// It knows of the charge and has not decided.
    case pending
    /// The charge does not stand and never will; `returned` minor units went back.
    case reversed(reference: String, returned: Int64)
    /// It has never heard of the charge.
    case notFound
    /// The call certainly did nothing; `retryAfter` is when the provider wants to be asked again.
    case noEffect(String, retryAfter: Duration?)
    /// The call was not made, because calls do not get through just now.
    case notCalled(String, retryAfter: Duration?)
    /// The call may have been carried out, or its answer makes no sense.
    case unknown(String)
}

/// The conversation with whoever moves the money.
///
/// A charge is identified by the payment's id, whatever is asked about it: asked twice, a provider charges once; reversed,
/// it never charges again.
package protocol PaymentProvider: Sendable {
    /// The answer, when it is known without waiting; nil when ``perform(_:for:)`` has to be asked, outside any
    /// transaction.
    func immediateAnswer(to call: ProviderCall, for payment: Payment) -> ProviderAnswer?

    /// Makes the call. `payment.attempts` counts it, when it is a charge.
    ///
    /// - Throws: when the task is cancelled; the call may then have been made.
    func perform(_ call: ProviderCall, for payment: Payment) async throws(CancellationError) -> ProviderAnswer
}

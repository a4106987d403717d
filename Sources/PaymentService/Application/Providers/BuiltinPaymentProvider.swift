import Clocks

/// A provider in the process, with rules instead of money: what a token stands for decides.
///
/// It remembers nothing: it has never heard of a charge it is asked about, and a charge that is repeated gets the answer it
/// would have got. What was captured, and must not be captured again, is in our own table.
struct BuiltinPaymentProvider: PaymentProvider {
    private let slowness: Duration
    private let time: any TimeSource

    /// - Parameter slowness: how long `tok_slow` takes.
    init(slowness: Duration, time: any TimeSource) {
        self.slowness = slowness
        self.time = time
    }

    /// How many calls for `tok_flaky` fail before one succeeds.
    static let flakyFailures = 2

    func immediateAnswer(to call: ProviderCall, for payment: Payment) -> ProviderAnswer? {
        switch call {
        case .query: .notFound
        case .reverse: .reversed(reference: reference(of: payment), returned: payment.captured)
        case .charge:
            switch payment.token {
            case "tok_ok": .captured(reference: reference(of: payment))
            case "tok_slow", "tok_flaky": nil
            default: .declined
            }
        }
    }

    func perform(_ call: ProviderCall, for payment: Payment) async throws(CancellationError) -> ProviderAnswer {
        if let answer = immediateAnswer(to: call, for: payment) { return answer }
        if payment.token == "tok_slow" {
            do { try await time.sleep(for: slowness) } catch { throw CancellationError() }
        } else if payment.attempts <= Self.flakyFailures {
            return .noEffect("tok_flaky fails", retryAfter: nil)
        }
        return .captured(reference: reference(of: payment))
    }

    private func reference(of payment: Payment) -> String {
        "builtin-\(payment.id)"
    }
}

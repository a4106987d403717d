import Clocks

/// A provider in the process, with rules instead of money: what a token stands for decides.
///
/// It remembers nothing: the same payment gets the same answer after any crash.
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

    func immediateAnswer(to payment: Payment) -> ProviderAnswer? {
        switch payment.token {
        case "tok_ok": .captured(reference: reference(of: payment))
        case "tok_slow", "tok_flaky": nil
        default: .declined
        }
    }

    func charge(_ payment: Payment) async throws -> ProviderAnswer {
        if let answer = immediateAnswer(to: payment) { return answer }
        if payment.token == "tok_slow" {
            try await time.sleep(for: slowness)
        } else if payment.attempts < Self.flakyFailures {
            return .unavailable
        }
        return .captured(reference: reference(of: payment))
    }

    private func reference(of payment: Payment) -> String {
        "builtin-\(payment.id)"
    }
}

import Clocks
import Contracts
import HTTPCodec
import JSON
import Resilience
import ServiceChassis

/// A payment provider over HTTP.
///
/// A charge is sent once: whether it is sent again is decided by what the provider says of it, never by a retry that does
/// not know. Queries and reversals change nothing when they are repeated, and are.
struct HTTPPaymentProvider: PaymentProvider {
    private let caller: ServiceCaller
    /// Asking again what became of the same charge is paid for like any repeat, and put off when it cannot be.
    private let queries = DurableRepeats<UUID>()
    private let timeout: Duration
    private let time: any TimeSource

    /// - Parameter timeout: how long a call may take, repeats included.
    init(_ caller: ServiceCaller, timeout: Duration, time: any TimeSource) {
        self.caller = caller
        self.timeout = timeout
        self.time = time
    }

    func immediateAnswer(to call: ProviderCall, for payment: Payment) -> ProviderAnswer? { nil }

    func perform(_ call: ProviderCall, for payment: Payment) async throws(CancellationError) -> ProviderAnswer {
        guard call == .query else {
            queries.forget(payment.id)
            return try await send(call, for: payment)
        }
        guard queries.mayDo(payment.id, paidFrom: caller.budget) else {
            return .notCalled("the retry budget of \(caller.name) does not pay for another query yet", retryAfter: nil)
        }
        let answer = try await send(call, for: payment)
        switch answer {
        case .unknown, .noEffect, .notCalled, .pending: break
        default: queries.forget(payment.id)
        }
        return answer
    }

    private func send(_ call: ProviderCall, for payment: Payment) async throws(CancellationError) -> ProviderAnswer {
        do throws(CallError) {
            let response = try await caller.send(
                Self.request(call, payment), operation: call.label, deadline: time.now.advanced(by: timeout))
            return Self.answer(to: call, for: payment, response.status.code, response.body)
        } catch {
            switch error {
            case .cancelled: throw CancellationError()
            case .refused(_, let detail, let retryAfter): return .notCalled(detail, retryAfter: retryAfter)
            case .unavailable(_, _, let retryAfter): return .noEffect("\(error)", retryAfter: retryAfter)
            case .deadlineExceeded where error.hadNoEffect: return .noEffect("\(error)", retryAfter: nil)
            case .deadlineExceeded, .outcomeUnknown: return .unknown("\(error)")
            }
        }
    }

    private static func request(_ call: ProviderCall, _ payment: Payment) -> ServiceRequest {
        switch call {
        case .query:
            return ServiceRequest(.get, "/v1/charges/\(payment.providerKey)")
        case .reverse:
            var request = ServiceRequest(.post, "/v1/charges/\(payment.providerKey)/reversal", body: [])
            request.repeatsWhenUnknown = true
            return request
        case .charge:
            var json = JSONWriter(capacity: 256)
            json.object {
                $0.member("amount", payment.amount)
                $0.member("token", payment.token)
                $0.member("reference", payment.orderID)
            }
            var request = ServiceRequest(
                .post, "/v1/charges",
                fields: ["Content-Type": "application/json", IdempotencyKey.header: payment.providerKey.description],
                body: json.bytes)
            request.repeatsWhenUnknown = false
            return request
        }
    }
}

// MARK: Reading answers

extension HTTPPaymentProvider {
    /// What a provider's answer means; anything that is not what was agreed leaves open what was done.
    static func answer(to call: ProviderCall, for payment: Payment, _ status: Int, _ body: [UInt8]) -> ProviderAnswer {
        switch (status, call) {
        case (200...299, _): charge(body, for: payment)
        case (404, .query): .notFound
        // It let nobody in: nothing can have been done.
        case (401, _), (403, _): .noEffect("the provider answered \(status)", retryAfter: nil)
        // The payment may have been reversed, or its key be known with another payload: a query will tell.
        default: .unknown("the provider answered \(status)")
        }
    }

    private enum ChargeStatus: String, CaseIterable {
        case pending, captured, declined, reversed
    }

    private struct Charge {
        var id: String
        var key: String
        var status: ChargeStatus
        var amount: Money?
        var captured: Int64
        var refunded: Int64
    }

    private static func charge(_ body: [UInt8], for payment: Payment) -> ProviderAnswer {
        let charge: Charge
        do {
            charge = try JSONDocument(parsing: body).decode(unknownMembers: .ignored) { charge in
                func money(_ field: JSONField?) -> Money? { field?.object { Money(&$0, in: 0...Int64.max) } }
                return Charge(
                    id: charge.string("id", length: 1...255), key: charge.string("key"), status: charge.oneOf("status"),
                    amount: money(charge.optional("amount")), captured: money(charge.optional("captured"))?.amount ?? 0,
                    refunded: money(charge.optional("refunded"))?.amount ?? 0)
            }
        } catch {
            return .unknown("the provider's answer is not readable: \(error)")
        }
        guard charge.key == payment.providerKey.description else {
            return .unknown("the provider answered for another key")
        }
        switch charge.status {
        case .reversed:
            // A tombstone has no amount, and nothing to give back.
            guard charge.captured == charge.refunded, charge.refunded == 0 || charge.amount == payment.amount else {
                return .unknown("the provider reversed another amount than it has taken")
            }
            return .reversed(reference: charge.id, returned: charge.refunded)
        case .pending, .captured, .declined:
            guard charge.amount == payment.amount else { return .unknown("the provider answered for another amount") }
        }
        switch charge.status {
        case .captured: return .captured(reference: charge.id)
        case .declined: return .declined
        case .pending, .reversed: return .pending
        }
    }
}

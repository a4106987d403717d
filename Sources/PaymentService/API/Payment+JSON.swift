import Contracts
import JSON

extension PaymentView: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        let currency = payment.amount.currency
        json.object {
            $0.member("id", payment.id)
            $0.member("orderId", payment.orderID)
            $0.member("status", payment.status.rawValue)
            $0.member("amount", payment.amount)
            $0.member("captured", Money(amount: payment.captured, currency: currency))
            $0.member("refunded", Money(amount: payment.refunded, currency: currency))
            $0.member("providerReference", payment.providerReference)
            $0.member("attempts", payment.attempts)
            $0.member("reason", payment.reason?.rawValue)
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
    }
}

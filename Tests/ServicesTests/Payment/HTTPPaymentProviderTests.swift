import Clocks
import Contracts
import Testing

@testable import PaymentService

@Suite("What an HTTP provider's answer means")
struct HTTPPaymentProviderTests {
    static let payment = PaymentConversationTests.fresh()

    static func body(
        _ status: String, key: String = payment.id.description, amount: String? = "500", captured: Int? = 0,
        refunded: Int? = 0, currency: String = "EUR"
    ) -> String {
        func money(_ amount: String?) -> String {
            amount.map { "{\"amount\":\($0),\"currency\":\"\(currency)\"}" } ?? "null"
        }
        return """
            {"id":"ch_1","key":"\(key)","status":"\(status)","amount":\(money(amount)),
             "captured":\(money(captured.map { String($0) })),"refunded":\(money(refunded.map { String($0) })),
             "reason":null,"reference":null,"news":[1]}
            """
    }

    static func answer(_ status: Int, _ body: String, to call: ProviderCall = .query) -> ProviderAnswer {
        HTTPPaymentProvider.answer(to: call, for: payment, status, Array(body.utf8))
    }

    @Test("a charge is taken as it stands, whichever call it answers")
    func charges() {
        for call in [ProviderCall.charge(isFirst: true), .charge(isFirst: false), .query, .reverse] {
            for status in [200, 201] {
                #expect(
                    Self.answer(status, Self.body("captured", captured: 500), to: call) == .captured(reference: "ch_1"))
                #expect(Self.answer(status, Self.body("declined"), to: call) == .declined)
                #expect(Self.answer(status, Self.body("pending"), to: call) == .pending)
                #expect(
                    Self.answer(status, Self.body("reversed", captured: 500, refunded: 500), to: call)
                        == .reversed(reference: "ch_1", returned: 500))
            }
        }
        let tombstone = Self.body("reversed", amount: nil, captured: nil, refunded: nil)
        #expect(Self.answer(200, tombstone) == .reversed(reference: "ch_1", returned: 0))
    }

    @Test(
        "what is not what was agreed leaves everything open",
        arguments: [
            (200, ""), (200, "{"), (200, "[]"), (200, "{}"), (200, body("new-status")),
            (200, body("captured", key: "00000000-0000-0000-0000-000000000000")),
            (200, body("captured", amount: "499")), (200, body("captured", amount: nil)),
            (200, body("captured", currency: "USD")), (200, body("reversed", captured: 500, refunded: 499)),
            (200, body("reversed", captured: 0, refunded: 500)),
            (200, body("reversed", amount: "400", captured: 400, refunded: 400)),
            (301, ""), (400, ""), (408, ""), (409, ""), (422, ""),
        ])
    func strange(status: Int, body: String) {
        for call in [ProviderCall.charge(isFirst: true), .query, .reverse] {
            guard case .unknown = Self.answer(status, body, to: call) else {
                Issue.record("\(status) \(body) to \(call) is \(Self.answer(status, body, to: call))")
                continue
            }
        }
    }

    @Test("404 means never heard of it only where that was asked; whom nobody lets in has done nothing")
    func missing() {
        #expect(Self.answer(404, "") == .notFound)
        for call in [ProviderCall.charge(isFirst: true), .reverse] {
            guard case .unknown = Self.answer(404, "", to: call) else {
                Issue.record("404 to \(call)")
                continue
            }
        }
        for status in [401, 403] {
            guard case .noEffect = Self.answer(status, "", to: .charge(isFirst: true)) else {
                Issue.record("\(status)")
                continue
            }
        }
    }
}

import Clocks
import Contracts
import Testing

@testable import PaymentService

@Suite("A payment's conversation with its provider")
struct PaymentConversationTests {
    static let charge = UUID(high: 1, low: 1)
    static let refund = UUID(high: 1, low: 2)

    static func fresh() -> Payment {
        Payment(
            id: UUID(high: 9, low: 1), orderID: UUID(high: 0, low: 1), status: .pending,
            amount: Money(amount: 500, currency: "EUR"), token: "tok", chargeCommand: charge)
    }

    /// A payment whose provider is just being asked, in every way in which that can be.
    enum Situation: String, CaseIterable {
        /// The first charge is under way.
        case first
        /// As `first`, and meanwhile a refund was asked for.
        case firstUnwanted
        /// The charge is being repeated, after the provider had not heard of it.
        case repeated
        case repeatedUnwanted
        /// It was sent, and nobody wrote down what came of it: the provider is asked.
        case doubt
        case doubtUnwanted
        /// The provider had said that it has not decided, and is asked again.
        case undecided
        case undecidedUnwanted
        /// What may have been charged is being reversed, the provider not having heard of it.
        case voiding
        /// What was captured is being reversed.
        case refunding
        /// It was void, and somebody says that it took money: the provider is asked.
        case suspected

        var start: (PaymentConversation, ProviderCall) {
            switch self {
            case .first: return Self.walk([])
            case .firstUnwanted: return Self.walk([], isUnwanted: true)
            case .repeated: return Self.walk([.unknown(""), .notFound])
            case .repeatedUnwanted: return Self.walk([.unknown(""), .notFound], isUnwanted: true)
            case .doubt: return Self.walk([.unknown("")])
            case .doubtUnwanted: return Self.walk([.unknown("")], isUnwanted: true)
            case .undecided: return Self.walk([.pending])
            case .undecidedUnwanted: return Self.walk([.pending], isUnwanted: true)
            case .voiding:
                let (conversation, call) = Self.walk([.unknown("")], isUnwanted: true)
                return Self.walk(conversation, call, [.notFound])
            case .refunding:
                var captured = Self.walk([.captured(reference: "r")], claims: false).0
                captured.wantRefund(PaymentConversationTests.refund)
                return (captured, captured.claim() ?? .query)
            case .suspected:
                var void = PaymentConversation(fresh())
                void.wantRefund(PaymentConversationTests.refund)
                return (PaymentConversation(void.payment), .query)
            }
        }

        private static func walk(
            _ answers: [ProviderAnswer], isUnwanted: Bool = false, claims: Bool = true
        ) -> (PaymentConversation, ProviderCall) {
            var start = PaymentConversation(fresh())
            let call = start.claim() ?? .query
            var (conversation, next) = walk(start, call, answers, claims: claims)
            if isUnwanted { conversation.wantRefund(PaymentConversationTests.refund) }
            return (PaymentConversation(conversation.payment), next)
        }

        private static func walk(
            _ start: PaymentConversation, _ call: ProviderCall, _ answers: [ProviderAnswer], claims: Bool = true
        ) -> (PaymentConversation, ProviderCall) {
            var conversation = start
            var call = call
            for answer in answers {
                if case .call(let next) = conversation.hear(answer, to: call) {
                    call = next
                } else if claims {
                    call = conversation.claim() ?? .query
                }
            }
            return (PaymentConversation(conversation.payment), call)
        }
    }

    static let answers: [(name: String, answer: ProviderAnswer)] = [
        ("captured", .captured(reference: "r")), ("declined", .declined), ("pending", .pending),
        ("reversed", .reversed(reference: "r", returned: 500)), ("tombstone", .reversed(reference: "r", returned: 0)),
        ("part", .reversed(reference: "r", returned: 499)), ("not-found", .notFound),
        ("no-effect", .noEffect("", retryAfter: nil)), ("not-called", .notCalled("", retryAfter: nil)),
        ("unknown", .unknown("")),
    ]

    /// What every answer does in every situation: status, standing, what follows, and the replies to charge and refund
    /// (`+` succeeded, `-` failed, `0` nothing to undo, `.` none yet).
    static let table: [Situation: [String]] = [
        .first: [
            "captured accepted rest +.", "declined accepted rest -.", "pending accepted wait ..",
            "refunded accepted rest -.", "declined accepted rest -.", "pending sent wait ..",
            "in-doubt sent wait ..", "pending unsent wait ..", "pending unsent wait ..", "in-doubt sent wait ..",
        ],
        .firstUnwanted: [
            "captured accepted reverse +.", "declined accepted rest -0", "pending accepted reverse ..",
            "refunded accepted rest -+", "declined accepted rest -0", "pending sent wait ..",
            "in-doubt sent wait ..", "declined accepted rest -0", "declined accepted rest -0", "in-doubt sent wait ..",
        ],
        .repeated: [
            "captured accepted rest +.", "declined accepted rest -.", "pending accepted wait ..",
            "refunded accepted rest -.", "declined accepted rest -.", "in-doubt sent wait ..",
            "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..",
        ],
        .repeatedUnwanted: [
            "captured accepted reverse +.", "declined accepted rest -0", "pending accepted reverse ..",
            "refunded accepted rest -+", "declined accepted rest -0", "in-doubt sent wait ..",
            "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..",
        ],
        .doubt: [
            "captured accepted rest +.", "declined accepted rest -.", "pending accepted wait ..",
            "refunded accepted rest -.", "declined accepted rest -.", "in-doubt sent wait ..",
            "in-doubt sent charge-again ..", "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..",
        ],
        .doubtUnwanted: [
            "captured accepted reverse +.", "declined accepted rest -0", "pending accepted reverse ..",
            "refunded accepted rest -+", "declined accepted rest -0", "in-doubt sent wait ..",
            "in-doubt sent reverse ..", "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..",
        ],
        .undecided: [
            "captured accepted rest +.", "declined accepted rest -.", "pending accepted wait ..",
            "refunded accepted rest -.", "declined accepted rest -.", "pending accepted wait ..",
            "pending sent charge-again ..", "pending accepted wait ..", "pending accepted wait ..",
            "pending accepted wait ..",
        ],
        .undecidedUnwanted: [
            "captured accepted reverse +.", "declined accepted rest -0", "pending accepted reverse ..",
            "refunded accepted rest -+", "declined accepted rest -0", "pending accepted wait ..",
            "pending accepted reverse ..", "pending accepted wait ..", "pending accepted wait ..",
            "pending accepted wait ..",
        ],
        .voiding: [
            "captured accepted reverse +.", "declined accepted rest -0", "pending accepted wait ..",
            "refunded accepted rest -+", "declined accepted rest -0", "in-doubt sent wait ..",
            "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..", "in-doubt sent wait ..",
        ],
        .refunding: [
            "captured accepted wait ..", "captured accepted wait ..", "captured accepted wait ..",
            "refunded accepted rest .+", "captured accepted wait ..", "captured accepted wait ..",
            "captured accepted wait ..", "captured accepted wait ..", "captured accepted wait ..",
            "captured accepted wait ..",
        ],
        .suspected: [
            "captured accepted reverse ..", "declined accepted ignored ..", "declined accepted ignored ..",
            "declined accepted ignored ..", "declined accepted ignored ..", "declined accepted ignored ..",
            "declined accepted ignored ..", "declined accepted wait ..", "declined accepted wait ..",
            "declined accepted wait ..",
        ],
    ]

    private static func text(_ step: PaymentConversation.Step) -> String {
        switch step {
        case .call(.charge(let isFirst)): isFirst ? "charge-first" : "charge-again"
        case .call(.query): "query"
        case .call(.reverse): "reverse"
        case .wait: "wait"
        case .rest: "rest"
        case .ignored: "ignored"
        }
    }

    private static func reply(_ conversation: PaymentConversation, _ command: UUID) -> String {
        switch conversation.replies.first(where: { $0.command == command })?.reply.outcome {
        case .succeeded: "+"
        case .failed: "-"
        case .nothingToUndo: "0"
        case nil: "."
        }
    }

    @Test("every answer in every situation", arguments: Situation.allCases)
    func table(situation: Situation) throws {
        let expected = try #require(Self.table[situation])
        for (index, (name, answer)) in Self.answers.enumerated() {
            var (conversation, call) = situation.start
            let before = conversation.payment
            let step = conversation.hear(answer, to: call)
            let payment = conversation.payment
            let replies = Self.reply(conversation, Self.charge) + Self.reply(conversation, Self.refund)
            #expect(
                "\(payment.status.rawValue) \(payment.standing.rawValue) \(Self.text(step)) \(replies)"
                    == expected[index], "\(situation) × \(name)")
            // One event for each move of money and for each end without any.
            var events: [String] = []
            if before.captured == 0, payment.captured > 0 { events.append(MessageType.paymentCaptured) }
            if before.refunded == 0, payment.refunded > 0 { events.append(MessageType.paymentRefunded) }
            if before.status != .declined, payment.status == .declined { events.append(MessageType.paymentDeclined) }
            #expect(conversation.facts.map(\.type) == events, "\(situation) × \(name)")
            if case .call(.charge) = step {
                #expect(payment.attempts == before.attempts + 1)
            } else if name == "not-called", case .charge = call {
                #expect(payment.attempts == before.attempts - 1, "no attempt is spent")
            } else {
                #expect(payment.attempts == before.attempts)
            }
        }
    }

    @Test("a charge that left without an answer is in doubt for whoever takes it up, and is asked about first")
    func crash() {
        var conversation = PaymentConversation(Self.fresh())
        #expect(conversation.claim() == .charge(isFirst: true))
        #expect(conversation.payment.status == .pending)
        var successor = PaymentConversation(conversation.payment)
        #expect(successor.claim() == .query)
        #expect(successor.payment.status == .inDoubt && successor.payment.attempts == 1)
    }

    @Test("waits grow while nothing changes, and not when no call was made")
    func postponements() {
        var (conversation, call) = Situation.doubt.start
        let before = conversation.payment.postponements
        _ = conversation.hear(.unknown(""), to: call)
        #expect(conversation.payment.postponements == before + 1)
        _ = conversation.hear(.notCalled("", retryAfter: nil), to: call)
        #expect(conversation.payment.postponements == before + 1)
        #expect(conversation.hear(.noEffect("", retryAfter: .seconds(7)), to: call) == .wait(atLeast: .seconds(7)))
        #expect(conversation.hear(.notFound, to: call) == .call(.charge(isFirst: false)))
        #expect(conversation.payment.postponements == 0)
    }

    @Test("an answer that comes after the end of its claim counts only if it is final")
    func late() {
        for (name, answer) in Self.answers {
            var (conversation, _) = Situation.doubt.start
            let before = conversation.payment
            let step = conversation.hearLate(answer)
            if ["captured", "declined", "reversed", "tombstone"].contains(name) {
                #expect(step == .rest, "\(name)")
            } else {
                #expect(conversation.payment == before, "\(name)")
            }
        }
        var (void, _) = Situation.suspected.start
        #expect(void.hearLate(.captured(reference: "late")) == .call(.reverse), "a capture after a void never stands")
        #expect(void.payment.isRefundWanted && void.payment.captured == 500)
    }
}

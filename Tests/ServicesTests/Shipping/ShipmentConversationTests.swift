import Clocks
import Contracts
import Testing

@testable import ShippingService

@Suite("A shipment's conversation with its carrier")
struct ShipmentConversationTests {
    static let book = UUID(high: 1, low: 1)
    static let cancel = UUID(high: 1, low: 2)

    static func fresh() -> Shipment {
        Shipment(
            id: UUID(high: 9, low: 1), orderID: UUID(high: 0, low: 1), status: .requested,
            shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: "DE"),
            lines: [OrderLine(sku: "A", quantity: 1)], bookCommand: book)
    }

    /// A shipment whose carrier is just being asked, in every way in which that can be.
    enum Situation: String, CaseIterable {
        /// The first booking is under way; `…Unwanted`: meanwhile it was to be called off.
        case first, firstUnwanted
        /// The booking is being repeated, after the carrier had not heard of it.
        case repeated
        /// It was sent, and nobody wrote down what came of it: the carrier is asked.
        case doubt, doubtUnwanted
        /// What may have been booked is being cancelled, the carrier not having heard of it.
        case withdrawing
        /// What was booked is being cancelled.
        case cancelling
        /// The carrier is being told that the goods may leave.
        case confirming
        /// The carrier is being asked where the goods are, which have not left.
        case tracking
        /// As `tracking`, and they have left.
        case onTheRoad

        var start: (ShipmentConversation, CarrierCall) {
            let said: [CarrierAnswer] =
                switch self {
                case .first, .firstUnwanted: []
                case .repeated: [.unknown(""), .notFound]
                case .doubt, .doubtUnwanted, .withdrawing: [.unknown("")]
                case .cancelling, .confirming, .tracking, .onTheRoad: [.booked(reference: "r")]
                }
            var conversation = ShipmentConversation(fresh())
            var call = conversation.claim() ?? .track
            for answer in said {
                if case .call(let next) = conversation.hear(answer, to: call) {
                    call = next
                } else {
                    call = conversation.claim() ?? .track
                }
            }
            switch self {
            case .first, .repeated, .doubt: break
            case .firstUnwanted, .doubtUnwanted: conversation.wantCancellation(ShipmentConversationTests.cancel)
            case .withdrawing:
                conversation.wantCancellation(ShipmentConversationTests.cancel)
                if case .call(let next) = conversation.hear(.notFound, to: call) { call = next }
            case .cancelling:
                conversation.wantCancellation(ShipmentConversationTests.cancel)
                call = conversation.claim() ?? .track
            case .confirming, .tracking, .onTheRoad:
                conversation.confirm()
                call = conversation.claim() ?? .track
                guard self != .confirming else { break }
                _ = conversation.hear(.booked(reference: "r"), to: call)
                call = conversation.claim() ?? .cancel
                if self == .onTheRoad { _ = conversation.hear(.dispatched(reference: "r"), to: call) }
            }
            return (ShipmentConversation(conversation.shipment), call)
        }
    }

    static let answers: [(name: String, answer: CarrierAnswer)] = [
        ("booked", .booked(reference: "r")), ("refused", .refused), ("undecided", .undecided),
        ("cancelled", .cancelled), ("dispatched", .dispatched(reference: "r")),
        ("delivered", .delivered(reference: "r")),
        ("not-found", .notFound), ("too-late", .tooLate("")), ("no-effect", .noEffect("", retryAfter: nil)),
        ("not-called", .notCalled("", retryAfter: nil)), ("unknown", .unknown("")),
    ]

    /// What every answer does in every situation: status, what follows, and the replies to booking and cancellation (`+`
    /// succeeded, `-` failed, `0` nothing to undo, `.` none yet).
    static let table: [Situation: [String]] = [
        .first: [
            "booked rest +.", "refused rest -.", "requested wait ..", "withdrawn rest -.", "dispatched wait +.",
            "delivered rest +.", "requested wait ..", "requested query ..", "requested wait ..", "requested wait ..",
            "requested wait ..",
        ],
        .firstUnwanted: [
            "booked cancel +.", "refused rest -0", "requested cancel ..", "withdrawn rest -0", "dispatched wait +.",
            "delivered rest +.", "requested wait ..", "requested query ..", "withdrawn rest -0", "withdrawn rest -0",
            "requested wait ..",
        ],
        .repeated: [
            "booked rest +.", "refused rest -.", "requested wait ..", "withdrawn rest -.", "dispatched wait +.",
            "delivered rest +.", "requested wait ..", "requested query ..", "requested wait ..", "requested wait ..",
            "requested wait ..",
        ],
        .doubt: [
            "booked rest +.", "refused rest -.", "requested wait ..", "withdrawn rest -.", "dispatched wait +.",
            "delivered rest +.", "requested book-again ..", "requested wait ..", "requested wait ..",
            "requested wait ..", "requested wait ..",
        ],
        .doubtUnwanted: [
            "booked cancel +.", "refused rest -0", "requested cancel ..", "withdrawn rest -0", "dispatched wait +.",
            "delivered rest +.", "requested cancel ..", "requested wait ..", "requested wait ..", "requested wait ..",
            "requested wait ..",
        ],
        .withdrawing: [
            "booked cancel +.", "refused rest -0", "requested wait ..", "withdrawn rest -0", "dispatched wait +.",
            "delivered rest +.", "requested wait ..", "requested query ..", "requested wait ..", "requested wait ..",
            "requested wait ..",
        ],
        .cancelling: [
            "booked wait ..", "booked wait ..", "booked wait ..", "cancelled rest .+", "dispatched wait ..",
            "delivered rest ..", "booked wait ..", "booked query ..", "booked wait ..", "booked wait ..",
            "booked wait ..",
        ],
        .confirming: [
            "booked wait ..", "booked wait ..", "booked wait ..", "booked wait ..", "dispatched wait ..",
            "delivered rest ..", "booked wait ..", "booked query ..", "booked wait ..", "booked wait ..",
            "booked wait ..",
        ],
        .tracking: [
            "booked wait ..", "booked wait ..", "booked wait ..", "booked wait ..", "dispatched wait ..",
            "delivered rest ..", "booked wait ..", "booked query ..", "booked wait ..", "booked wait ..",
            "booked wait ..",
        ],
        .onTheRoad: [
            "dispatched wait ..", "dispatched wait ..", "dispatched wait ..", "dispatched wait ..",
            "dispatched wait ..", "delivered rest ..", "dispatched wait ..", "dispatched query ..",
            "dispatched wait ..", "dispatched wait ..", "dispatched wait ..",
        ],
    ]

    private static func text(_ step: ShipmentConversation.Step) -> String {
        switch step {
        case .call(.book(let isFirst)): isFirst ? "book-first" : "book-again"
        case .call(let call): "\(call)"
        case .wait: "wait"
        case .rest: "rest"
        case .ignored: "ignored"
        }
    }

    private static func reply(_ conversation: ShipmentConversation, _ command: UUID) -> String {
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
            let before = conversation.shipment
            let step = conversation.hear(answer, to: call)
            let replies = Self.reply(conversation, Self.book) + Self.reply(conversation, Self.cancel)
            #expect(
                "\(conversation.shipment.status) \(Self.text(step)) \(replies)" == expected[index],
                "\(situation) × \(name)")
            let after = conversation.shipment.status
            var events: [String] = []
            if after == .cancelled { events.append(MessageType.shipmentCancelled) }
            if before.status != .dispatched, after == .dispatched || after == .delivered {
                events.append(MessageType.shipmentDispatched)
            }
            if after == .delivered { events.append(MessageType.shipmentDelivered) }
            #expect(conversation.events == events, "\(situation) × \(name)")
        }
    }

    @Test("goods only move forward, in whatever order and however often it is told")
    func forward() {
        let told: [CarrierAnswer] = [.dispatched(reference: "r"), .delivered(reference: "r")]
        for first in told {
            for second in told {
                for third in told {
                    var (conversation, _) = Situation.tracking.start
                    for answer in [first, second, third] { _ = conversation.told(answer) }
                    let arrives = [first, second, third].contains(.delivered(reference: "r"))
                    #expect(conversation.shipment.status == (arrives ? .delivered : .dispatched))
                    #expect(
                        conversation.events
                            == [MessageType.shipmentDispatched] + (arrives ? [MessageType.shipmentDelivered] : []))
                }
            }
        }
    }

    @Test("what is told of a booking that is still open is not believed", arguments: [Situation.first, .doubt])
    func toldTooEarly(situation: Situation) {
        var (conversation, _) = situation.start
        let before = conversation.shipment
        guard case .ignored = conversation.told(.delivered(reference: "r")) else {
            Issue.record("it was taken")
            return
        }
        #expect(conversation.shipment == before)
    }

    @Test("a booking that comes after its withdrawal is called off")
    func lateBooking() {
        var unsent = ShipmentConversation(Self.fresh())
        unsent.wantCancellation(Self.cancel)
        #expect(unsent.shipment.status == .withdrawn)
        var late = ShipmentConversation(unsent.shipment)
        #expect(late.hearLate(.booked(reference: "r")) == .call(.cancel))
        #expect(late.claim() == .cancel)
        #expect(late.hear(.cancelled, to: .cancel) == .rest)
        #expect(late.shipment.status == .withdrawn && late.events.isEmpty && late.replies.isEmpty)
    }
}

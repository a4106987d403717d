import Clocks
import Contracts
import Defects
import Messaging
import Postgres
import Resilience
import ServiceChassis
import Telemetry

/// Carries on the conversation with the carrier for the shipments that are due, and writes down what it says.
///
/// What the carrier answers at once is written by the claim itself, many in one transaction. For everything else the claim
/// says which call is about to be made, and keeps others away for longer than a call can take; a crash leaves the shipment
/// due again, and then the carrier is asked first what it knows.
struct OpenShipments: DueWork {
    /// The bounds and rhythms of the work.
    struct Configuration: Sendable {
        /// For how long a claim keeps others away; longer than a call may take.
        var lease = Duration.seconds(10)
        /// The wait after the carrier could not bring a shipment further.
        var backoff = Backoff.exponential(base: .milliseconds(100), factor: 2, cap: .seconds(5), jitter: 0.2)
        /// The carrier is asked again after this, however long it wanted to be left alone.
        var maximumWait = Duration.seconds(60)
        /// How long writing down an answer may take.
        var writeTimeout = Duration.seconds(10)
    }

    /// A shipment that was claimed, and the call that is to be made.
    struct Item: Sendable {
        var shipment: Shipment
        var call: CarrierCall
    }

    private let carrier: any Carrier
    private let gate: @Sendable () -> CallAdmission
    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let configuration: Configuration
    private let time: any TimeSource
    private let random: any RandomSource
    private let log: Logger

    /// - Parameter gate: whether calls to the carrier would get through.
    init(
        carrier: any Carrier, gate: @escaping @Sendable () -> CallAdmission = { .open }, postgres: PostgresClient,
        unitOfWork: UnitOfWork, messages: MessageFactory, configuration: Configuration = Configuration(),
        time: any TimeSource, random: any RandomSource, log: Logger
    ) {
        self.carrier = carrier
        self.gate = gate
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.configuration = configuration
        self.time = time
        self.random = random
        self.log = log
    }

    var admission: CallAdmission { gate() }

    func claim(limit: Int) async throws -> [Item] {
        try await unitOfWork.run(reads: [ShipmentStatements.lockDue(limit: limit)], deadline: deadline) { rows in
            var items: [Item] = []
            var written = Written()
            for row in rows[0] {
                var conversation = ShipmentConversation(try ShipmentStatements.shipment(row))
                guard let call = conversation.claim() else {
                    written.add(conversation, due: .never)
                    continue
                }
                if let answer = carrier.immediateAnswer(to: call, for: conversation.shipment) {
                    let step = proceed(&conversation, conversation.hear(answer, to: call))
                    written.add(conversation, due: due(after: step, conversation))
                } else {
                    written.add(conversation, due: .claimed(configuration.lease))
                    items.append(Item(shipment: conversation.shipment, call: call))
                }
            }
            return written.decision(messages, result: items)
        }
    }

    func untilNextDue() async throws -> Duration? {
        try await postgres.query(ShipmentStatements.nextDue, deadline: deadline).first.map {
            .seconds(try $0.double(0))
        }
    }

    func work(on item: Item) async {
        var next: Item? = item
        do {
            while let item = next {
                let answer = try await carrier.perform(item.call, for: item.shipment)
                CrashPoint.afterProviderCall.pass()
                note(answer, to: item)
                next = try await record(answer, to: item)
            }
        } catch is CancellationError {
            return
        } catch {
            log.warning(
                "an answer of the carrier could not be written down, it will be asked again",
                [
                    "shipmentId": .uuid(item.shipment.id), "orderId": .uuid(item.shipment.orderID),
                    "error": .error(error),
                ])
        }
    }

    /// Writes down what an answer does to the shipment; answers what is to be asked next under the same claim.
    func record(_ answer: CarrierAnswer, to item: Item) async throws -> Item? {
        try await unitOfWork.run(
            reads: [ShipmentStatements.lock(item.shipment.id)], deadline: deadline
        ) { rows in
            guard let row = rows[0].first else { return UnitOfWork.Decision(result: nil) }
            var conversation = ShipmentConversation(try ShipmentStatements.shipment(row))
            var written = Written()
            guard conversation.shipment.claims == item.shipment.claims else {
                let step = conversation.hearLate(answer)
                // Nothing that moves it forward was said, and others work on it.
                if case .ignored = step { return UnitOfWork.Decision(result: nil) }
                written.add(conversation, due: dueWhenLate(step))
                return written.decision(messages, result: nil)
            }
            let step = proceed(&conversation, conversation.hear(answer, to: item.call))
            written.add(conversation, due: due(after: step, conversation))
            noteConflict(conversation.shipment)
            guard case .call(let call) = step else { return written.decision(messages, result: nil) }
            return written.decision(messages, result: Item(shipment: conversation.shipment, call: call))
        }
    }

    /// Takes what the carrier tells by itself about where the goods are. Without an answer in it, or for a booking that is
    /// still open, the shipment is only made due, so that the carrier is asked.
    func tell(_ id: UUID, _ answer: CarrierAnswer?, deadline: MonotonicInstant) async throws {
        try await unitOfWork.run(reads: [ShipmentStatements.lock(id)], deadline: deadline) { rows in
            guard let row = rows[0].first else { return UnitOfWork.Decision(result: ()) }
            var conversation = ShipmentConversation(try ShipmentStatements.shipment(row))
            var written = Written()
            switch answer.map({ conversation.told($0) }) {
            case .call?, .wait?, .rest?:
                let step = conversation.nextCall == nil ? ShipmentConversation.Step.rest : .wait(atLeast: nil)
                written.add(conversation, due: due(after: step, conversation))
                noteConflict(conversation.shipment)
            case .ignored?, nil:
                guard conversation.nextCall != nil else { return UnitOfWork.Decision(result: ()) }
                written.add(conversation, due: .nudged)
            }
            return written.decision(messages, result: ())
        }
    }

    /// Goes on as far as the carrier answers at once.
    private func proceed(
        _ conversation: inout ShipmentConversation, _ step: ShipmentConversation.Step
    ) -> ShipmentConversation.Step {
        var step = step
        while case .call(let call) = step,
            let answer = carrier.immediateAnswer(to: call, for: conversation.shipment)
        {
            step = conversation.hear(answer, to: call)
        }
        return step
    }

    private func due(after step: ShipmentConversation.Step, _ conversation: ShipmentConversation) -> Due {
        let shipment = conversation.shipment
        switch step {
        case .call: return .claimed(configuration.lease)
        case .rest, .ignored: return .never
        case .wait where shipment.isNudged: return .after(.zero)
        case .wait(let atLeast):
            let least = min(atLeast ?? .zero, configuration.maximumWait)
            guard conversation.nextCall == .track else {
                let backoff = configuration.backoff.delay(max(shipment.postponements, 1), after: nil, random: random)
                return .after(max(backoff, least))
            }
            return carrier.trackingDelay(of: shipment).map { .after(max($0, least)) } ?? .never
        }
    }

    private func dueWhenLate(_ step: ShipmentConversation.Step) -> Due {
        switch step {
        case .call: .nudged
        case .rest, .ignored: .never
        case .wait: .unchanged
        }
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: configuration.writeTimeout) }

    /// The saga gets no reply then, and gives the compensation up for an operator to see.
    private func noteConflict(_ shipment: Shipment) {
        guard shipment.isCancelWanted, shipment.status == .dispatched || shipment.status == .delivered else { return }
        log.error(
            "goods have left although they were called off",
            ["shipmentId": .uuid(shipment.id), "orderId": .uuid(shipment.orderID)])
    }

    private func note(_ answer: CarrierAnswer, to item: Item) {
        let message: StaticString
        let detail: String
        switch answer {
        case .unknown(let text): (message, detail) = ("it is not known what became of a call to the carrier", text)
        case .noEffect(let text, _): (message, detail) = ("a call to the carrier did nothing", text)
        case .tooLate(let text): (message, detail) = ("the carrier could no longer do what it was asked", text)
        case .booked, .refused, .undecided, .cancelled, .dispatched, .delivered, .notFound, .notCalled: return
        }
        log.warning(
            message,
            [
                "shipmentId": .uuid(item.shipment.id), "orderId": .uuid(item.shipment.orderID),
                "call": .text(item.call.label), "detail": .text(detail),
            ])
    }
}

/// What one transaction writes and says about shipments.
private struct Written {
    private var shipments: [Shipment] = []
    private var replies: [ShipmentConversation.Reply] = []
    private var events: [(orderID: UUID, type: String)] = []

    mutating func add(_ conversation: ShipmentConversation, due: Due) {
        var shipment = conversation.shipment
        shipment.due = due
        shipments.append(shipment)
        replies += conversation.replies
        events += conversation.events.map { (shipment.orderID, $0) }
    }

    func decision<Result>(_ messages: MessageFactory, result: Result) -> UnitOfWork.Decision<Result> {
        let now = messages.wallNow
        var writes = shipments.isEmpty ? [] : [ShipmentStatements.update(shipments)]
        if !replies.isEmpty { writes.append(Inbox.complete(replies.map { ($0.command, $0.reply.encoded) })) }
        let facts = events.map {
            messages.event(OrderFact(orderID: $0.orderID, at: now), type: $0.type, to: .shippingEvents)
        }
        return UnitOfWork.Decision(
            writes: writes, outgoing: replies.map { messages.reply($0.reply) } + facts, result: result)
    }
}

extension CarrierCall {
    /// For logs and metrics.
    var label: String {
        switch self {
        case .book: "book"
        case .query: "query-booking"
        case .cancel: "cancel-booking"
        case .confirm: "confirm-booking"
        case .track: "track"
        }
    }
}

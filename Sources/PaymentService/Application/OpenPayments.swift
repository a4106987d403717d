import Clocks
import Contracts
import Defects
import Messaging
import Postgres
import Resilience
import ServiceChassis
import Telemetry

/// Carries on the conversation with the provider for the payments that are open, outside any transaction, and writes down
/// what it says.
///
/// A payment is claimed by a commit that says which call is about to be made, for longer than a call can take. A crash
/// leaves it due again, and then the provider is asked first what it knows.
struct OpenPayments: DueWork {
    /// The bounds and rhythms of the work.
    struct Configuration: Sendable {
        /// For how long a claim keeps others away; longer than a call may take.
        var lease = Duration.seconds(10)
        /// The wait after the provider could not bring a payment further.
        var backoff = Backoff.exponential(base: .milliseconds(100), factor: 2, cap: .seconds(5), jitter: 0.2)
        /// The provider is asked again after this, however long it wanted to be left alone.
        var maximumWait = Duration.seconds(60)
        /// How long writing down an answer may take.
        var writeTimeout = Duration.seconds(10)
    }

    /// A payment that was claimed, and the call that is to be made.
    struct Item: Sendable {
        var payment: Payment
        var call: ProviderCall
    }

    private let provider: any PaymentProvider
    private let gate: @Sendable () -> CallAdmission
    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let configuration: Configuration
    private let time: any TimeSource
    private let random: any RandomSource
    private let log: Logger

    /// - Parameter gate: whether calls to the provider would get through.
    init(
        provider: any PaymentProvider, gate: @escaping @Sendable () -> CallAdmission = { .open },
        postgres: PostgresClient, unitOfWork: UnitOfWork, messages: MessageFactory,
        configuration: Configuration = Configuration(), time: any TimeSource, random: any RandomSource, log: Logger
    ) {
        self.provider = provider
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
        try await unitOfWork.run(reads: [PaymentStatements.lockDue(limit: limit)], deadline: deadline) { rows in
            var items: [Item] = []
            let payments = try rows[0].map { row in
                var conversation = PaymentConversation(try PaymentStatements.payment(row))
                let call = conversation.claim()
                var payment = conversation.payment
                payment.due = call == nil ? .never : .claimed(configuration.lease)
                if let call { items.append(Item(payment: payment, call: call)) }
                return payment
            }
            let writes = payments.isEmpty ? [] : [PaymentStatements.update(payments, now: messages.wallNow)]
            return UnitOfWork.Decision(writes: writes, result: items)
        }
    }

    func untilNextDue() async throws -> Duration? {
        try await postgres.query(PaymentStatements.nextDue, deadline: deadline).first.map { .seconds(try $0.double(0)) }
    }

    func work(on item: Item) async {
        var next: Item? = item
        do {
            while let item = next {
                let answer = try await provider.perform(item.call, for: item.payment)
                CrashPoint.afterProviderCall.pass()
                note(answer, to: item)
                next = try await record(answer, to: item)
            }
        } catch is CancellationError {
            return
        } catch {
            log.warning(
                "an answer of the provider could not be written down, it will be asked again",
                ["paymentId": .uuid(item.payment.id), "orderId": .uuid(item.payment.orderID), "error": .error(error)])
        }
    }

    /// Writes down what an answer does to the payment; answers what is to be asked next under the same claim.
    func record(_ answer: ProviderAnswer, to item: Item) async throws -> Item? {
        try await unitOfWork.run(
            reads: [PaymentStatements.lock(orders: [item.payment.orderID])], deadline: deadline
        ) { rows in
            guard let row = rows[0].first else { return UnitOfWork.Decision(result: nil) }
            var conversation = PaymentConversation(try PaymentStatements.payment(row))
            let isLate = conversation.payment.claims != item.payment.claims
            var step = isLate ? conversation.hearLate(answer) : conversation.hear(answer, to: item.call)
            // Nothing that cannot change any more was said, and others work on it.
            if isLate, case .ignored = step { return UnitOfWork.Decision(result: nil) }
            while !isLate, case .call(let call) = step,
                let answer = provider.immediateAnswer(to: call, for: conversation.payment)
            {
                step = conversation.hear(answer, to: call)
            }
            var payment = conversation.payment
            payment.due = due(after: step, payment, isLate: isLate)
            var following: Item?
            if case .call(let call) = step, !isLate { following = Item(payment: payment, call: call) }
            return decision(conversation, payment, following)
        }
    }

    private func due(after step: PaymentConversation.Step, _ payment: Payment, isLate: Bool) -> Due {
        switch step {
        case .call: return isLate ? .nudged : .claimed(configuration.lease)
        case .rest: return .never
        case .ignored: return .never
        case .wait where isLate: return .unchanged
        case .wait where payment.isNudged: return .after(.zero)
        case .wait(let atLeast):
            let backoff = configuration.backoff.delay(max(payment.postponements, 1), after: nil, random: random)
            return .after(max(backoff, min(atLeast ?? .zero, configuration.maximumWait)))
        }
    }

    private func decision(
        _ conversation: PaymentConversation, _ payment: Payment, _ following: Item?
    ) -> UnitOfWork.Decision<Item?> {
        let now = messages.wallNow
        var writes = [PaymentStatements.update([payment], now: now)]
        let replies = conversation.replies
        if !replies.isEmpty { writes.append(Inbox.complete(replies.map { ($0.command, $0.reply.encoded) })) }
        let events = conversation.facts.map { fact in
            messages.event(
                OrderFact(orderID: payment.orderID, reason: fact.reason, amount: payment.amount, at: now),
                type: fact.type, to: .paymentEvents)
        }
        return UnitOfWork.Decision(
            writes: writes, outgoing: replies.map { messages.reply($0.reply) } + events, result: following)
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: configuration.writeTimeout) }

    private func note(_ answer: ProviderAnswer, to item: Item) {
        let message: StaticString
        let detail: String
        switch answer {
        case .unknown(let text): (message, detail) = ("it is not known what became of a call to the provider", text)
        case .noEffect(let text, _): (message, detail) = ("a call to the provider did nothing", text)
        case .captured, .declined, .pending, .reversed, .notFound, .notCalled: return
        }
        log.warning(
            message,
            [
                "paymentId": .uuid(item.payment.id), "orderId": .uuid(item.payment.orderID),
                "call": .text(item.call.label), "detail": .text(detail),
            ])
    }
}

extension ProviderCall {
    /// For logs and metrics.
    var label: String {
        switch self {
        case .charge: "charge"
        case .query: "query-charge"
        case .reverse: "reverse"
        }
    }
}

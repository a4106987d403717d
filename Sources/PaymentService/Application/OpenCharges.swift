import Clocks
import Contracts
import Messaging
import Postgres
import Synchronization
import Telemetry

/// Calls the provider for the charges that are open, outside any transaction, and writes down what it says.
///
/// A charge is claimed by putting its due time off for longer than a call can take: a crash leaves it due again, and
/// two replicas do not call for the same one. The provider recognises a repeat by the payment's id.
final class OpenCharges: Sendable {
    /// The bounds and rhythms of the work.
    struct Configuration: Sendable {
        /// How many calls may be under way.
        var concurrency = 256
        /// For how long a claim keeps others away; longer than a call may take.
        var lease = Duration.seconds(10)
        /// The wait after the provider could not say, doubling up to `maximumBackoff`.
        var minimumBackoff = Duration.milliseconds(100)
        var maximumBackoff = Duration.seconds(5)
        /// How often the table is looked at when nothing says that something is due.
        var idleInterval = Duration.seconds(5)
    }

    private let provider: any PaymentProvider
    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let configuration: Configuration
    private let time: any TimeSource
    private let log: Logger
    private let running = Mutex(0)
    private let wakeUp = Signal()

    init(
        provider: any PaymentProvider, postgres: PostgresClient, unitOfWork: UnitOfWork, messages: MessageFactory,
        configuration: Configuration = Configuration(), time: any TimeSource, log: Logger
    ) {
        self.provider = provider
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.configuration = configuration
        self.time = time
        self.log = log
    }

    /// Charges are waiting; returns at once.
    func notify() {
        wakeUp.notify()
    }

    /// Works until cancelled. Calls under way are then given up: they are due again when their claim ends.
    func run() async {
        await withDiscardingTaskGroup { group in
            var wait = Duration.zero
            while await wakeUp.wait(until: time.now.advanced(by: wait), time: time) {
                do {
                    for payment in try await claim() {
                        running.withLock { $0 += 1 }
                        group.addTask { await self.settle(payment) }
                    }
                    wait = try await untilNextDue()
                } catch {
                    log.warning("open charges could not be claimed, will be tried again", ["error": .error(error)])
                    wait = .seconds(1)
                }
            }
            group.cancelAll()
        }
    }

    private func claim() async throws -> [Payment] {
        let room = configuration.concurrency - running.withLock { $0 }
        guard room > 0 else { return [] }
        let rows = try await postgres.query(
            PaymentStatements.claimDue(limit: room, lease: configuration.lease), deadline: deadline)
        return try rows.map { try PaymentStatements.payment($0) }
    }

    private func untilNextDue() async throws -> Duration {
        guard running.withLock({ $0 }) < configuration.concurrency,
            let row = try await postgres.query(PaymentStatements.nextDue, deadline: deadline).first
        else { return configuration.idleInterval }
        return min(max(.seconds(try row.double(0)), .milliseconds(1)), configuration.idleInterval)
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: .seconds(10)) }

    private func settle(_ payment: Payment) async {
        defer {
            running.withLock { $0 -= 1 }
            wakeUp.notify()
        }
        do {
            let answer = try await provider.charge(payment)
            try await unitOfWork.run(
                reads: [PaymentStatements.lock(orders: [payment.orderID])], deadline: deadline
            ) { rows in
                guard let current = try rows[0].first.map({ try PaymentStatements.payment($0) }),
                    current.status == .pending || current.status == .inDoubt
                else { return UnitOfWork.Decision(result: ()) }
                return self.decide(answer, for: current)
            }
        } catch is CancellationError {
            return
        } catch {
            log.warning("a charge stays open, will be tried again", ["error": .error(error)])
        }
    }

    private func decide(_ answer: ProviderAnswer, for current: Payment) -> UnitOfWork.Decision<Void> {
        let now = messages.wallNow
        var payment = current
        payment.attempts += 1
        var replies: [(UUID, CommandReply)] = []
        var outgoing: [OutgoingMessage] = []
        func answerCharge(_ outcome: CommandReply.Outcome, _ reason: Reason?) {
            guard let command = payment.chargeCommand else { return }
            replies.append(
                (
                    command,
                    CommandReply(
                        orderID: payment.orderID, command: ChargePayment.name, outcome: outcome, reason: reason)
                ))
            payment.chargeCommand = nil
        }
        func answerRefund(_ outcome: CommandReply.Outcome) {
            guard let command = payment.refundCommand else { return }
            replies.append(
                (command, CommandReply(orderID: payment.orderID, command: RefundPayment.name, outcome: outcome)))
            payment.refundCommand = nil
        }
        func say(_ type: String, reason: Reason? = nil) {
            let fact = OrderFact(orderID: payment.orderID, reason: reason, amount: payment.amount, at: now)
            outgoing.append(messages.event(fact, type: type, to: .paymentEvents))
        }
        switch answer {
        case .captured(let reference):
            payment.capture(reference: reference)
            answerCharge(.succeeded, nil)
            say(MessageType.paymentCaptured)
            if payment.refundCommand != nil {
                payment.refund()
                answerRefund(.succeeded)
                say(MessageType.paymentRefunded)
            }
        case .declined:
            payment.decline()
            answerCharge(.failed, .paymentDeclined)
            answerRefund(.nothingToUndo)
            say(MessageType.paymentDeclined, reason: .paymentDeclined)
        case .unavailable:
            payment.dueAt = now.advanced(by: backoff(afterAttempt: payment.attempts))
        }
        let recorded = replies.map { ($0.0, $0.1.encoded) }
        var writes = [PaymentStatements.update([payment], now: now)]
        if !recorded.isEmpty { writes.append(Inbox.complete(recorded)) }
        return UnitOfWork.Decision(
            writes: writes, outgoing: replies.map { messages.reply($0.1) } + outgoing, result: ())
    }

    private func backoff(afterAttempt attempt: Int) -> Duration {
        min(configuration.minimumBackoff * (1 << min(attempt - 1, 16)), configuration.maximumBackoff)
    }
}

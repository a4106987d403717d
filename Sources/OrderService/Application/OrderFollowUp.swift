import Clocks
import Contracts
import Defects
import Messaging
import Postgres
import ServiceChassis
import Telemetry

/// Says again that an order is confirmed when its goods do not arrive.
///
/// A confirmation, or the news that goods have left or arrived, can be lost with the broker's log, and nobody waits for a
/// reply to them. shipping-service takes a confirmation that it did not hear, and answers one that it did with the last it
/// has to tell of the goods. So whatever was lost is said once more, and an order in transit costs a message now and then.
///
/// Safe on any number of replicas: the mark in the feed, and each order that is due, is locked by whoever works on it.
struct OrderFollowUp: DueWork {
    /// The bounds of the work.
    struct Configuration: Sendable {
        var rules = FollowUpRules()
        /// How many entries of the feed are looked at in one transaction, and how many transactions follow each other.
        var entries = 2000
        var rounds = 20
        /// How many orders are spoken of in one transaction.
        var orders = 200
        /// Behind an outbox of this age nothing is said again: it would wait there too.
        var outboxAge = Duration.seconds(5)
        var transactionTimeout = Duration.seconds(10)
    }

    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let configuration: Configuration
    private let outboxAge: @Sendable () -> Duration
    private let said: @Sendable (Int) -> Void
    private let time: any TimeSource

    /// - Parameters:
    ///   - outboxAge: how old the oldest message is that waits to be published.
    ///   - said: called after the commit with how many confirmations were said again.
    init(
        postgres: PostgresClient, unitOfWork: UnitOfWork, messages: MessageFactory,
        configuration: Configuration = Configuration(), outboxAge: @escaping @Sendable () -> Duration,
        time: any TimeSource, said: @escaping @Sendable (Int) -> Void
    ) {
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.configuration = configuration
        self.outboxAge = outboxAge
        self.said = said
        self.time = time
    }

    var admission: CallAdmission {
        guard outboxAge() > configuration.outboxAge else { return .open }
        return .refusing(until: time.now.advanced(by: configuration.outboxAge))
    }

    /// Notices who is late and speaks of who is due, in bounded transactions; nothing is left to be worked on afterwards.
    func claim(limit _: Int) async throws -> [Never] {
        for _ in 0..<configuration.rounds {
            guard try await notice() == configuration.entries else { break }
        }
        _ = try await sayAgain()
        return []
    }

    func work(on item: Never) async {}

    func untilNextDue() async throws -> Duration? {
        try await postgres.query(FollowUpStatements.nextDue, deadline: deadline).first.map {
            .seconds(try $0.double(0))
        }
    }

    /// Looks at what was confirmed long enough ago; returns how many entries of the feed that were.
    func notice() async throws -> Int {
        let notice = FollowUpStatements.notice(
            olderThan: configuration.rules.firstWait, limit: configuration.entries)
        return Int(try await postgres.query(notice, deadline: deadline)[0].int8(0))
    }

    /// Says of the orders that are due that they are confirmed; returns how many that were.
    func sayAgain() async throws -> Int {
        guard !Defect.confirmationsSaidOnce.isOn else { return 0 }
        return try await unitOfWork.run(
            reads: [FollowUpStatements.lockDue(limit: configuration.orders)], deadline: deadline
        ) { rows in
            var (late, arrived): ([(id: UUID, wait: Duration)], [UUID]) = ([], [])
            var outgoing: [OutgoingMessage] = []
            for row in rows[0] {
                let id = try row.uuid(0)
                let status: Order.Status = try row.rawValue(1)
                guard status.awaitsGoods else {
                    arrived.append(id)
                    continue
                }
                late.append((id, configuration.rules.wait(after: Int(try row.int4(3)) + 1)))
                // The same fact under another id: under its own a participant's inbox would take it for heard.
                let fact = OrderFact(orderID: id, at: try row.timestamp(2))
                outgoing.append(messages.event(fact, type: MessageType.orderConfirmed, to: .orderEvents))
            }
            var writes: [Statement] = []
            if !late.isEmpty { writes.append(FollowUpStatements.putOff(late)) }
            if !arrived.isEmpty { writes.append(FollowUpStatements.forget(arrived)) }
            let count = late.count
            return UnitOfWork.Decision(
                writes: writes, outgoing: outgoing, afterCommit: { [said] in if count > 0 { said(count) } },
                result: count)
        }
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: configuration.transactionTimeout) }
}

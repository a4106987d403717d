import Clocks
import Contracts
import Defects
import Postgres

/// What one transaction does with a batch of records: which were handled before, which are handled now, which wait.
///
/// The same for records from Kafka and for those that were parked; it decides without I/O, from the rows it asked for.
struct BatchTransaction: Sendable {
    let handler: any MessageHandler
    let messages: MessageFactory
    let usesInbox: Bool

    /// What the batch comes to.
    struct Sorted {
        /// The records that were not handled before, in order; places below are places among these.
        var fresh: [IncomingRecord]
        var plan: ParkingPlan
        var troubles: [Int: Trouble]
        var writes: [Statement] = []
        var outgoing: [OutgoingMessage] = []
        /// The replies among these, by the message they answer.
        var replies: [UUID: OutgoingMessage]
        var afterCommit: (@Sendable () -> Void)?
        var expired = 0
    }

    init(handler: any MessageHandler, messages: MessageFactory, usesInbox: Bool) {
        self.handler = handler
        self.messages = messages
        self.usesInbox = usesInbox && !Defect.repeatsNotRecognised.isOn
    }

    /// What has to be read, with `own` of the caller's between the inbox and the handler's reads.
    func reads(for records: [IncomingRecord], own: [Statement]) -> [Statement] {
        let batch = records.compactMap(\.message)
        let inbox =
            usesInbox
            ? [
                Inbox.serialise(records.compactMap(\.orderID)), Inbox.lookUp(batch.map(\.envelope.id)),
            ] : []
        return inbox + own + (batch.isEmpty ? [] : handler.reads(for: batch))
    }

    /// The rows of ``reads(for:own:)``, apart.
    func split(_ rows: [Rows], own count: Int) -> (inbox: Rows?, own: [Rows], handler: [Rows]) {
        let rest = rows.dropFirst(usesInbox ? 2 : 0)
        return (usesInbox ? rows[1] : nil, Array(rest.prefix(count)), Array(rest.dropFirst(count)))
    }

    /// Decides what becomes of each record.
    ///
    /// - Parameters:
    ///   - expired: the messages that are not begun because their deadline has passed.
    ///   - parked: the keys of which messages wait already.
    ///   - failures: why messages, by their identity, are known to fail; they are not given to the handler.
    func sort(
        _ records: [IncomingRecord], expired: Set<UUID>, parked: Set<UUID>, failures: [UUID: Trouble] = [:],
        inbox: Rows?, rows: [Rows]
    ) throws -> Sorted {
        let (fresh, repeated) = try separate(records, inbox)
        var troubles: [Int: Trouble] = [:]
        for (place, record) in fresh.enumerated() {
            switch record {
            case .unreadable(let record): troubles[place] = Trouble(.unreadable, record.detail)
            case .message(let message): troubles[place] = failures[message.envelope.id]
            }
        }
        var sorted = Sorted(
            fresh: fresh,
            plan: ParkingPlan(keys: fresh.map(\.orderID), parked: parked, troubled: Set(troubles.keys)),
            troubles: troubles, outgoing: repeated.map(\.reply),
            replies: Dictionary(repeated.map { ($0.message, $0.reply) }) { first, _ in first })
        let handled = try handle(&sorted, expired, rows)
        let begun = sorted.plan.begun.compactMap { fresh[$0].message }
        sorted.expired = begun.count { expired.contains($0.envelope.id) }
        sorted.outgoing += begun.compactMap { handled.replies[$0.envelope.id] } + handled.outgoing
        sorted.replies.merge(handled.replies) { $1 }
        sorted.writes = handled.writes
        if usesInbox, !begun.isEmpty {
            sorted.writes.append(
                Inbox.record(begun.map { ($0.envelope.id, handled.replies[$0.envelope.id]?.envelope.payload) }))
        }
        sorted.afterCommit = handled.afterCommit
        return sorted
    }

    /// The records that were not handled before, and the recorded replies of those that were.
    private func separate(
        _ records: [IncomingRecord], _ inbox: Rows?
    ) throws -> (fresh: [IncomingRecord], repeated: [(message: UUID, reply: OutgoingMessage)]) {
        var seen: [UUID: [UInt8]?] = [:]
        for row in inbox.map(Array.init) ?? [] { seen[try row.uuid(0)] = .some(try row.optionalBytes(1)) }
        var fresh: [IncomingRecord] = []
        var replies: [(message: UUID, reply: OutgoingMessage)] = []
        var inBatch: Set<UUID> = []
        for record in records {
            guard let message = record.message else {
                fresh.append(record)
                continue
            }
            guard inBatch.insert(message.envelope.id).inserted else { continue }
            guard let recorded = seen[message.envelope.id] else {
                fresh.append(record)
                continue
            }
            if let reply = recorded { replies.append((message.envelope.id, self.reply(reply, to: message))) }
        }
        return (fresh, replies)
    }

    /// Has the handler decide, again without those who have to wait for a message that it refuses.
    private func handle(_ sorted: inout Sorted, _ expired: Set<UUID>, _ rows: [Rows]) throws -> HandledBatch {
        while true {
            let begun = sorted.plan.begun.compactMap { place in
                sorted.fresh[place].message.map { (place: place, message: $0) }
            }
            let late = begun.filter { expired.contains($0.message.envelope.id) }
            let wanted = begun.filter { !expired.contains($0.message.envelope.id) }
            var handled = wanted.isEmpty ? HandledBatch() : try handler.handle(wanted.map(\.message), rows: rows)
            for (_, message) in late { handled.replies[message.envelope.id] = timedOut(message.envelope) }
            guard !handled.refused.isEmpty else { return handled }
            var refused: Set<Int> = []
            for (place, message) in wanted {
                guard let detail = handled.refused[message.envelope.id] else { continue }
                sorted.troubles[place] = Trouble(.refused, detail)
                refused.insert(place)
            }
            guard sorted.plan.refuse(refused) else { return handled }
        }
    }

    /// The answer to a command that was not begun: it failed, has had no effect and will have none.
    private func timedOut(_ command: MessageEnvelope) -> OutgoingMessage {
        let name = MessageType.commandName(of: command.type) ?? command.type
        return messages.reply(
            CommandReply(orderID: command.orderID, command: name, outcome: .failed, reason: .timedOut), to: command)
    }

    private func reply(_ payload: [UInt8], to message: IncomingMessage) -> OutgoingMessage {
        messages.message(
            to: .sagaReplies, type: MessageType.commandReply, orderID: message.envelope.orderID,
            trace: message.envelope.trace, payload: payload)
    }
}

import Clocks

/// Which batches of records await their delivery reports, and who waits for them.
///
/// Pure. Every record handed to librdkafka carries a ``Token`` instead of a pointer, so nothing has to be released: a
/// report that comes late, twice or never can neither leak nor touch freed memory. A waiter is answered once, when all
/// records of its batch are settled or when it gives up; the entry goes when both have happened.
struct DeliveryTable<Waiter: Sendable>: Sendable {
    typealias Answer = Result<KafkaPosition, KafkaError>

    /// A batch.
    struct Ticket: Hashable, Sendable {
        fileprivate let slot: Int
        fileprivate let generation: UInt
    }

    /// A record of a batch, as librdkafka carries it.
    struct Token: Equatable, Sendable {
        let rawValue: UInt

        // 22 bits of index, 22 of slot, 20 of generation, which is never 0.
        fileprivate init(_ ticket: Ticket, index: Int) {
            rawValue = ticket.generation << 44 | UInt(ticket.slot) << 22 | UInt(index)
        }

        init(rawValue: UInt) {
            self.rawValue = rawValue
        }

        fileprivate var index: Int { Int(rawValue & 0x3F_FFFF) }
        fileprivate var ticket: Ticket { Ticket(slot: Int(rawValue >> 22 & 0x3F_FFFF), generation: rawValue >> 44) }
    }

    /// What is to be told to whom, once the lock is released.
    struct Completion: Sendable {
        let waiter: Waiter
        let answers: [Answer]
    }

    private struct Batch: Sendable {
        var generation: UInt
        var answers: [Answer?]
        /// Records without an answer of librdkafka's.
        var missing: Int
        /// Records handed to librdkafka; those after them are certainly not written.
        var handedOver = 0
        var waiter: Waiter?
        var deadline: MonotonicInstant
        var isAnswered = false
        var abandonment: KafkaError?
    }

    static var maximumBatch: Int { 1 << 22 }

    private var batches: [Batch?] = []
    private var free: [Int] = []
    private var lastGeneration: UInt = 0
    /// Records that are not settled.
    private(set) var unsettled = 0
    /// No deadline is earlier; there may be none at all at this instant.
    private(set) var earliestDeadline = MonotonicInstant.distantFuture

    /// Batches whose entry is still there.
    var count: Int { batches.count - free.count }

    /// Begins a batch of `count` records that gives up at `deadline`.
    mutating func open(count: Int, deadline: MonotonicInstant) -> Ticket {
        precondition(count <= Self.maximumBatch, "a batch of \(count) records is too large")
        lastGeneration = (lastGeneration + 1) & 0xF_FFFF
        if lastGeneration == 0 { lastGeneration = 1 }
        let batch = Batch(
            generation: lastGeneration, answers: Array(repeating: nil, count: count), missing: count, deadline: deadline
        )
        unsettled += count
        earliestDeadline = min(earliestDeadline, deadline)
        if let slot = free.popLast() {
            batches[slot] = batch
            return Ticket(slot: slot, generation: lastGeneration)
        }
        batches.append(batch)
        precondition(batches.count <= 1 << 22, "too many batches under way")
        return Ticket(slot: batches.count - 1, generation: lastGeneration)
    }

    /// Names who waits for the batch.
    ///
    /// - Returns: the completion when there is nothing to wait for any more.
    mutating func attach(_ waiter: Waiter, to ticket: Ticket) -> Completion? {
        guard batches[ticket.slot]?.generation == ticket.generation else { return nil }
        batches[ticket.slot]?.waiter = waiter
        return answerIfDone(ticket)
    }

    /// Whether the batch's records are still to be handed over.
    func isWanted(_ ticket: Ticket) -> Bool {
        guard let batch = batch(ticket) else { return false }
        return batch.abandonment == nil
    }

    /// The token of the batch's next record, which is being handed over.
    mutating func handOver(_ ticket: Ticket, index: Int) -> Token {
        batches[ticket.slot]?.handedOver = index + 1
        return Token(ticket, index: index)
    }

    /// The record was not taken after all.
    mutating func takeBack(_ ticket: Ticket, index: Int) {
        guard batch(ticket) != nil else { return }
        batches[ticket.slot]?.handedOver = index
    }

    /// Settles one record; a second answer, or one for a batch long gone, is ignored.
    mutating func settle(_ token: Token, _ answer: Answer) -> Completion? {
        guard isMissing(token) else { return nil }
        let ticket = token.ticket
        batches[ticket.slot]?.answers[token.index] = answer
        batches[ticket.slot]?.missing -= 1
        unsettled -= 1
        return answerIfDone(ticket)
    }

    /// Asked for itself: a batch in hand while its answer is written would have all its answers copied, for each of them.
    private func isMissing(_ token: Token) -> Bool {
        guard let batch = batch(token.ticket), batch.answers.indices.contains(token.index) else { return false }
        return batch.answers[token.index] == nil
    }

    /// Settles all records from `index` on, which were never handed over.
    mutating func settleRest(_ ticket: Ticket, from index: Int, _ error: KafkaError) -> Completion? {
        guard let count = batch(ticket)?.answers.count else { return nil }
        var completion: Completion?
        for rest in index..<count { completion = settle(Token(ticket, index: rest), .failure(error)) ?? completion }
        return completion
    }

    /// Ends the wait; the records stay what they are: handed over ones may still be written.
    mutating func abandon(_ ticket: Ticket, _ error: KafkaError) -> Completion? {
        guard let batch = batch(ticket), !batch.isAnswered, batch.abandonment == nil else { return nil }
        batches[ticket.slot]?.abandonment = error
        return answerIfDone(ticket)
    }

    /// Abandons what has passed its deadline.
    mutating func expire(now: MonotonicInstant, _ error: KafkaError) -> [Completion] {
        guard earliestDeadline <= now else { return [] }
        var completions: [Completion] = []
        for (slot, batch) in batches.enumerated() {
            guard let batch, !batch.isAnswered, batch.deadline <= now else { continue }
            if let done = abandon(Ticket(slot: slot, generation: batch.generation), error) { completions.append(done) }
        }
        earliestDeadline =
            batches.lazy.compactMap { $0 }.filter { !$0.isAnswered && $0.deadline > now }.map(\.deadline).min()
            ?? .distantFuture
        return completions
    }

    /// Settles everything: no report comes any more.
    mutating func settleAll(_ error: KafkaError) -> [Completion] {
        var completions: [Completion] = []
        for (slot, batch) in batches.enumerated() {
            guard let batch else { continue }
            let ticket = Ticket(slot: slot, generation: batch.generation)
            if let done = settleRest(ticket, from: 0, error) { completions.append(done) }
        }
        return completions
    }

    private func batch(_ ticket: Ticket) -> Batch? {
        guard batches.indices.contains(ticket.slot), let batch = batches[ticket.slot],
            batch.generation == ticket.generation
        else { return nil }
        return batch
    }

    private mutating func answerIfDone(_ ticket: Ticket) -> Completion? {
        let slot = ticket.slot
        guard let missing = batches[slot]?.missing, let isAnswered = batches[slot]?.isAnswered else { return nil }
        var completion: Completion?
        if !isAnswered, missing == 0 || batches[slot]?.abandonment != nil, let waiter = batches[slot]?.waiter {
            completion = Completion(waiter: waiter, answers: answers(slot))
            batches[slot]?.isAnswered = true
            batches[slot]?.waiter = nil
        }
        if missing == 0, batches[slot]?.isAnswered == true {
            batches[slot] = nil
            free.append(slot)
        }
        return completion
    }

    private func answers(_ slot: Int) -> [Answer] {
        guard let batch = batches[slot] else { return [] }
        return batch.answers.enumerated().map { index, answer in
            if let answer { return answer }
            var error = batch.abandonment ?? .closed
            error.mayBeWritten = index < batch.handedOver
            return .failure(error)
        }
    }
}

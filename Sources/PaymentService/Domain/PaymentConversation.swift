import Clocks
import Contracts
import Defects

/// Decides what a payment asks its provider next, and what an answer does to it: a pure function of both.
///
/// What it changes, says and replies belongs into one transaction. Three rules keep the money right whatever is lost,
/// repeated, late or untrue:
/// - A charge that may have left is written down (`sent`) before it leaves; from then on the next call is a query.
/// - A charge is repeated under the same key, and only after the provider has said that it knows nothing of it. If it was
///   wrong, the key makes the repeat harmless.
/// - What must not stand is reversed, also when the provider has never heard of it: the reversal keeps a charge that is
///   still on its way from taking anything.
package struct PaymentConversation: Sendable {
    /// The reply to a command that waited.
    package struct Reply: Hashable, Sendable {
        package var command: UUID
        package var reply: CommandReply
    }

    /// Something that happened, by its type.
    package struct Fact: Hashable, Sendable {
        package var type: String
        package var reason: Reason?
    }

    /// What follows an answer.
    package enum Step: Hashable, Sendable {
        /// Make this call at once, under the same claim.
        case call(ProviderCall)
        /// Ask again later; the wait grows with `payment.postponements`, and is not shorter than this.
        case wait(atLeast: Duration?)
        /// Nothing is open.
        case rest
        /// The answer changes nothing, for this reason.
        case ignored(String)
    }

    package private(set) var payment: Payment
    package private(set) var replies: [Reply] = []
    package private(set) var facts: [Fact] = []

    package init(_ payment: Payment) {
        self.payment = payment
    }

    /// What the provider is to be asked next; nil when nothing is open.
    package var nextCall: ProviderCall? {
        switch (payment.status, payment.standing) {
        case (.pending, .unsent): payment.isRefundWanted ? nil : .charge(isFirst: true)
        case (.inDoubt, _) where Defect.doubtRepeated.isOn && !payment.isRefundWanted: .charge(isFirst: true)
        case (.pending, .sent), (.pending, .accepted), (.inDoubt, _): .query
        case (.captured, _): payment.isRefundWanted ? .reverse : nil
        // Somebody says that a charge that was void has taken money.
        case (.declined, _): .query
        case (.refunded, _): nil
        }
    }

    /// The payment is taken up by one who now makes the call answered; nil when nothing is open.
    package mutating func claim() -> ProviderCall? {
        guard let call = nextCall else { return nil }
        payment.claims += 1
        // Whoever sent it did not live to write the answer down.
        if payment.status == .pending, payment.standing == .sent { payment.status = .inDoubt }
        begin(call)
        return call
    }

    /// Writes down that the call is about to be made.
    package mutating func begin(_ call: ProviderCall) {
        guard case .charge = call else { return }
        payment.standing = .sent
        payment.attempts += 1
    }

    /// Takes the answer to a call that was made under the payment's claim.
    package mutating func hear(_ answer: ProviderAnswer, to call: ProviderCall) -> Step {
        let step = take(answer, to: call)
        switch step {
        case .call(let next):
            payment.postponements = 0
            begin(next)
        case .wait:
            if case .notCalled = answer { break }
            payment.postponements += 1
        case .rest, .ignored: payment.postponements = 0
        }
        return step
    }

    /// Takes an answer whose claim has ended meanwhile: only what can never change any more still counts.
    package mutating func hearLate(_ answer: ProviderAnswer) -> Step {
        switch answer {
        case .captured, .declined, .reversed: take(answer, to: .query)
        case .pending, .notFound, .noEffect, .notCalled, .unknown: .ignored("it came after the end of its claim")
        }
    }

    /// A refund is wanted: `command` asked for it, and gets the reply once nothing of the charge stands.
    package mutating func wantRefund(_ command: UUID) {
        payment.isRefundWanted = true
        payment.refundCommand = command
        payment.postponements = 0
        if payment.status == .pending, payment.standing == .unsent { void() }
    }
}

// MARK: Answers

extension PaymentConversation {
    private mutating func take(_ answer: ProviderAnswer, to call: ProviderCall) -> Step {
        switch answer {
        case .captured(let reference): captured(reference)
        case .declined: declined()
        case .reversed(let reference, let returned): reversed(reference, returned)
        case .pending: undecided(after: call)
        case .notFound: unheardOf(after: call)
        case .noEffect(_, let retryAfter): nothingDone(by: call, retryAfter)
        case .notCalled(_, let retryAfter): notMade(call, retryAfter)
        case .unknown: unknown(after: call)
        }
    }

    private mutating func captured(_ reference: String) -> Step {
        switch payment.status {
        case .pending, .inDoubt:
            payment.capture(reference: reference)
            say(MessageType.paymentCaptured)
            replyToCharge(.succeeded)
            return payment.isRefundWanted ? .call(.reverse) : .rest
        case .captured:
            return payment.isRefundWanted ? .wait(atLeast: nil) : .ignored("it was captured before")
        case .declined:
            // A capture after a void never stands.
            payment.capture(reference: reference)
            payment.isRefundWanted = true
            say(MessageType.paymentCaptured)
            return .call(.reverse)
        case .refunded:
            return .ignored("the money went back")
        }
    }

    private mutating func declined() -> Step {
        switch payment.status {
        case .pending, .inDoubt:
            payment.decline(.paymentDeclined)
            say(MessageType.paymentDeclined, .paymentDeclined)
            replyToCharge(.failed, .paymentDeclined)
            replyToRefund(.nothingToUndo)
            return .rest
        case .captured:
            // It contradicts what the provider said before: an operator's case while money may be missing.
            return payment.isRefundWanted ? .wait(atLeast: nil) : .ignored("it was captured before")
        case .declined, .refunded:
            return .ignored("it is final")
        }
    }

    private mutating func reversed(_ reference: String, _ returned: Int64) -> Step {
        switch payment.status {
        case .pending, .inDoubt:
            guard returned == 0 else { return returnedUnseen(reference, returned) }
            void()
            return .rest
        case .captured where returned == payment.captured:
            payment.refund()
            say(MessageType.paymentRefunded)
            replyToRefund(.succeeded)
            return .rest
        case .captured:
            return payment.isRefundWanted ? .wait(atLeast: nil) : .ignored("it contradicts the capture")
        case .declined, .refunded:
            return .ignored("it is final")
        }
    }

    /// The money was taken and went back before anybody here heard of either.
    private mutating func returnedUnseen(_ reference: String, _ returned: Int64) -> Step {
        guard returned == payment.amount.amount else { return .wait(atLeast: nil) }
        payment.capture(reference: reference)
        say(MessageType.paymentCaptured)
        payment.refund()
        say(MessageType.paymentRefunded)
        replyToCharge(.failed, .timedOut)
        replyToRefund(.succeeded)
        return .rest
    }

    private mutating func undecided(after call: ProviderCall) -> Step {
        switch payment.status {
        case .pending, .inDoubt:
            payment.status = .pending
            payment.standing = .accepted
            return payment.isRefundWanted && call != .reverse ? .call(.reverse) : .wait(atLeast: nil)
        case .captured: return payment.isRefundWanted ? .wait(atLeast: nil) : .ignored("it was captured before")
        case .declined, .refunded: return .ignored("it is final")
        }
    }

    private mutating func unheardOf(after call: ProviderCall) -> Step {
        switch payment.status {
        case .pending, .inDoubt:
            guard call == .query else { return unknown(after: call) }
            // It may still be on its way: only a reversal makes sure that it takes nothing.
            return .call(payment.isRefundWanted ? .reverse : .charge(isFirst: false))
        case .captured: return payment.isRefundWanted ? .wait(atLeast: nil) : .ignored("it was captured before")
        case .declined, .refunded: return .ignored("it is final")
        }
    }

    private mutating func nothingDone(by call: ProviderCall, _ retryAfter: Duration?) -> Step {
        guard payment.status != .declined else { return .wait(atLeast: retryAfter) }
        guard call == .charge(isFirst: true), payment.status == .pending || payment.status == .inDoubt else {
            return nextCall == nil ? .ignored("nothing is open") : .wait(atLeast: retryAfter)
        }
        payment.status = .pending
        payment.standing = .unsent
        guard payment.isRefundWanted else { return .wait(atLeast: retryAfter) }
        void()
        return .rest
    }

    private mutating func notMade(_ call: ProviderCall, _ retryAfter: Duration?) -> Step {
        if case .charge = call { payment.attempts -= 1 }
        return nothingDone(by: call, retryAfter)
    }

    private mutating func unknown(after call: ProviderCall) -> Step {
        guard nextCall != nil else { return .ignored("nothing is open") }
        if case .charge = call, payment.status == .pending { payment.status = .inDoubt }
        return .wait(atLeast: nil)
    }

    /// Nothing was taken and nothing can be.
    private mutating func void() {
        payment.decline(.timedOut)
        say(MessageType.paymentDeclined, .timedOut)
        replyToCharge(.failed, .timedOut)
        replyToRefund(.nothingToUndo)
    }
}

// MARK: Replies and facts

extension PaymentConversation {
    private mutating func say(_ type: String, _ reason: Reason? = nil) {
        facts.append(Fact(type: type, reason: reason))
    }

    private mutating func replyToCharge(_ outcome: CommandReply.Outcome, _ reason: Reason? = nil) {
        guard let command = payment.chargeCommand else { return }
        payment.chargeCommand = nil
        reply(to: command, ChargePayment.name, outcome, reason)
    }

    private mutating func replyToRefund(_ outcome: CommandReply.Outcome) {
        guard let command = payment.refundCommand else { return }
        payment.refundCommand = nil
        reply(to: command, RefundPayment.name, outcome)
    }

    private mutating func reply(
        to command: UUID, _ name: String, _ outcome: CommandReply.Outcome, _ reason: Reason? = nil
    ) {
        replies.append(
            Reply(
                command: command,
                reply: CommandReply(orderID: payment.orderID, command: name, outcome: outcome, reason: reason)))
    }
}

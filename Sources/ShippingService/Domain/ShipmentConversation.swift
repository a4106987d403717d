import Clocks
import Contracts

/// Decides what a shipment asks its carrier next, and what an answer does to it: a pure function of both.
///
/// What it changes, says and replies belongs into one transaction. A booking that may have left is written down before it
/// leaves, and from then on the carrier is asked what it knows; it is repeated, under the same key, only after the carrier
/// has said that it knows nothing. What must not stand is cancelled, also when the carrier has never heard of it. Goods
/// only move forward.
package struct ShipmentConversation: Sendable {
    /// The reply to a command that waited.
    package struct Reply: Hashable, Sendable {
        package var command: UUID
        package var reply: CommandReply
    }

    /// What follows an answer.
    package enum Step: Hashable, Sendable {
        /// Make this call at once, under the same claim.
        case call(CarrierCall)
        /// Ask again later; the wait grows with `shipment.postponements`, and is not shorter than this.
        case wait(atLeast: Duration?)
        /// Nothing is open.
        case rest
        /// The answer changes nothing, for this reason.
        case ignored(String)
    }

    package private(set) var shipment: Shipment
    package private(set) var replies: [Reply] = []
    /// The types of what happened.
    package private(set) var events: [String] = []

    package init(_ shipment: Shipment) {
        self.shipment = shipment
    }

    /// What the carrier is to be asked next; nil when nothing is open.
    package var nextCall: CarrierCall? {
        switch (shipment.status, shipment.standing) {
        case (.requested, .unsent): shipment.isCancelWanted ? nil : .book(isFirst: true)
        case (.requested, .sent), (.requested, .accepted): .query
        case (.booked, _):
            if shipment.isCancelWanted {
                .cancel
            } else if shipment.isConfirmed {
                shipment.isHandedOver ? .track : .confirm
            } else {
                nil
            }
        case (.dispatched, _): .track
        // Somebody says that what was called off was booked.
        case (.withdrawn, _): .cancel
        case (.refused, _), (.cancelled, _), (.delivered, _): nil
        }
    }

    /// The shipment is taken up by one who now makes the call answered; nil when nothing is open.
    package mutating func claim() -> CarrierCall? {
        guard let call = nextCall else { return nil }
        shipment.claims += 1
        begin(call)
        return call
    }

    /// Writes down that the call is about to be made.
    package mutating func begin(_ call: CarrierCall) {
        if case .book = call { shipment.standing = .sent }
    }

    /// Takes the answer to a call that was made under the shipment's claim.
    package mutating func hear(_ answer: CarrierAnswer, to call: CarrierCall) -> Step {
        let before = (shipment.status, shipment.isHandedOver)
        let step = take(answer, to: call)
        if case .call(let next) = step { begin(next) }
        switch (step, answer) {
        case (.wait, .notCalled): break
        case (.wait, _) where before == (shipment.status, shipment.isHandedOver): shipment.postponements += 1
        default: shipment.postponements = 0
        }
        return step
    }

    /// Takes an answer whose claim has ended meanwhile: only what moves the shipment forward still counts.
    package mutating func hearLate(_ answer: CarrierAnswer) -> Step {
        switch answer {
        case .booked where shipment.status == .withdrawn: .call(.cancel)
        case .booked, .refused, .cancelled, .dispatched, .delivered: take(answer, to: .query)
        default: .ignored("it came after the end of its claim")
        }
    }

    /// The carrier tells by itself where the goods are.
    package mutating func told(_ answer: CarrierAnswer) -> Step {
        guard shipment.status == .booked || shipment.status == .dispatched else {
            return .ignored("a \(shipment.status) shipment is not on its way")
        }
        return take(answer, to: .track)
    }

    /// The booking is to be called off: `command` asked for it, and gets the reply once nothing of it stands.
    package mutating func wantCancellation(_ command: UUID) {
        shipment.isCancelWanted = true
        shipment.cancelCommand = command
        shipment.postponements = 0
        if shipment.status == .requested, shipment.standing == .unsent { withdraw() }
    }

    /// The order is confirmed: from now on the goods may leave.
    package mutating func confirm() {
        shipment.isConfirmed = true
        shipment.postponements = 0
    }
}

// MARK: Answers

extension ShipmentConversation {
    private mutating func take(_ answer: CarrierAnswer, to call: CarrierCall) -> Step {
        switch answer {
        case .booked(let reference): booked(reference, by: call)
        case .refused: refused()
        case .undecided: undecided(after: call)
        case .cancelled: cancelled()
        case .dispatched(let reference): moved(to: .dispatched, reference)
        case .delivered(let reference): moved(to: .delivered, reference)
        case .notFound: unheardOf(after: call)
        case .tooLate: call == .query ? waitIfOpen() : .call(.query)
        case .noEffect(_, let retryAfter), .notCalled(_, let retryAfter): nothingDone(by: call, retryAfter)
        case .unknown: waitIfOpen()
        }
    }

    private func waitIfOpen(_ atLeast: Duration? = nil) -> Step {
        nextCall == nil ? .ignored("nothing is open") : .wait(atLeast: atLeast)
    }

    private mutating func booked(_ reference: String, by call: CarrierCall) -> Step {
        switch shipment.status {
        case .requested:
            becomeBooked(reference)
            switch nextCall {
            case nil: return .rest
            case let next?: return .call(next)
            }
        case .booked where call == .confirm:
            shipment.isHandedOver = true
            return waitIfOpen()
        case .booked, .dispatched, .withdrawn:
            return waitIfOpen()
        case .refused, .cancelled, .delivered:
            return .ignored("it is final")
        }
    }

    private mutating func becomeBooked(_ reference: String) {
        shipment.status = .booked
        shipment.standing = .accepted
        shipment.carrierReference = reference
        shipment.isNewlyBooked = true
        shipment.age = .zero
        replyToBooking(.succeeded)
    }

    private mutating func refused() -> Step {
        guard shipment.status == .requested else { return waitIfOpen() }
        shipment.status = .refused
        shipment.standing = .accepted
        replyToBooking(.failed, .shippingUnavailable)
        replyToCancellation(.nothingToUndo)
        return .rest
    }

    private mutating func undecided(after call: CarrierCall) -> Step {
        guard shipment.status == .requested else { return waitIfOpen() }
        shipment.standing = .accepted
        return shipment.isCancelWanted && call != .cancel ? .call(.cancel) : .wait(atLeast: nil)
    }

    private mutating func cancelled() -> Step {
        switch shipment.status {
        case .requested:
            withdraw()
            return .rest
        case .booked where shipment.isCancelWanted, .dispatched where shipment.isCancelWanted:
            shipment.status = .cancelled
            events.append(MessageType.shipmentCancelled)
            replyToCancellation(.succeeded)
            return .rest
        case .withdrawn:
            return .rest
        // Nobody here wanted that: it stays open, for an operator to see.
        case .booked, .dispatched, .delivered, .refused, .cancelled:
            return waitIfOpen()
        }
    }

    private mutating func moved(to status: Shipment.Status, _ reference: String) -> Step {
        switch shipment.status {
        case .requested: becomeBooked(reference)
        case .booked, .dispatched: break
        case .refused, .withdrawn, .cancelled, .delivered: return .ignored("it is final")
        }
        shipment.isHandedOver = true
        if shipment.status == .booked {
            shipment.status = .dispatched
            events.append(MessageType.shipmentDispatched)
        }
        guard status == .delivered else { return .wait(atLeast: nil) }
        shipment.status = .delivered
        events.append(MessageType.shipmentDelivered)
        return .rest
    }

    private func unheardOf(after call: CarrierCall) -> Step {
        guard shipment.status == .requested, call == .query else { return waitIfOpen() }
        // It may still be on its way: only a cancellation makes sure that nothing is booked.
        return .call(shipment.isCancelWanted ? .cancel : .book(isFirst: false))
    }

    private mutating func nothingDone(by call: CarrierCall, _ retryAfter: Duration?) -> Step {
        guard call == .book(isFirst: true), shipment.status == .requested else { return waitIfOpen(retryAfter) }
        shipment.standing = .unsent
        guard shipment.isCancelWanted else { return .wait(atLeast: retryAfter) }
        withdraw()
        return .rest
    }

    /// Nothing is booked and nothing can be.
    private mutating func withdraw() {
        shipment.status = .withdrawn
        replyToBooking(.failed, .timedOut)
        replyToCancellation(.nothingToUndo)
    }
}

// MARK: Replies

extension ShipmentConversation {
    private mutating func replyToBooking(_ outcome: CommandReply.Outcome, _ reason: Reason? = nil) {
        guard let command = shipment.bookCommand else { return }
        shipment.bookCommand = nil
        reply(to: command, BookShipment.name, outcome, reason)
    }

    private mutating func replyToCancellation(_ outcome: CommandReply.Outcome) {
        guard let command = shipment.cancelCommand else { return }
        shipment.cancelCommand = nil
        reply(to: command, CancelShipment.name, outcome)
    }

    private mutating func reply(
        to command: UUID, _ name: String, _ outcome: CommandReply.Outcome, _ reason: Reason? = nil
    ) {
        replies.append(
            Reply(
                command: command,
                reply: CommandReply(orderID: shipment.orderID, command: name, outcome: outcome, reason: reason)))
    }
}

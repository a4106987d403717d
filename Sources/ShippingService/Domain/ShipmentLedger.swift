import Clocks
import Contracts
import Defects

/// The shipments that a batch of messages touches, and what the messages do to them.
///
/// What the carrier answers at once is decided here; everything else is left due, for ``OpenShipments``.
package struct ShipmentLedger: Sendable {
    /// Something that happened to an order's shipment, and the message that made it happen.
    package struct Event: Hashable, Sendable {
        package var orderID: UUID
        package var type: String
        package var cause: UUID
    }

    private var shipments: [UUID: Shipment]
    private var voided: Set<UUID>

    /// The orders whose shipment is new.
    package private(set) var created: [UUID] = []
    /// The orders whose shipment has changed.
    package private(set) var changed: Set<UUID> = []
    /// Orders whose compensation came first.
    package private(set) var newlyVoided: [UUID] = []
    /// The replies there are now, to these commands and to earlier ones.
    package private(set) var replies: [ShipmentConversation.Reply] = []
    package private(set) var events: [Event] = []
    /// Commands that came too late for good, and where the goods were.
    package private(set) var conflicts: [UUID: Shipment.Status] = [:]
    /// Whether something is due earlier than before.
    package private(set) var hasDueTimes = false

    /// - Parameter shipments: by order.
    package init(shipments: [UUID: Shipment], voided: Set<UUID>) {
        self.shipments = shipments
        self.voided = voided
    }

    package func shipment(of orderID: UUID) -> Shipment? { shipments[orderID] }

    /// Books the order's shipment once, however often it is asked; `shipment.bookCommand` asks.
    package mutating func book(_ shipment: Shipment, carrier: some Carrier) {
        guard let command = shipment.bookCommand else { return }
        let orderID = shipment.orderID
        if var existing = shipments[orderID], !Defect.repeatsNotRecognised.isOn {
            switch existing.status {
            case .booked, .dispatched, .delivered: reply(to: command, BookShipment.name, .succeeded, orderID)
            case .cancelled, .withdrawn: reply(to: command, BookShipment.name, .failed, orderID, .timedOut)
            case .refused: reply(to: command, BookShipment.name, .failed, orderID, .shippingUnavailable)
            case .requested:
                existing.bookCommand = command
                store(existing)
            }
        } else if voided.contains(orderID), !Defect.lateCommandsCarriedOut.isOn {
            reply(to: command, BookShipment.name, .failed, orderID, .timedOut)
        } else {
            proceed(ShipmentConversation(shipment), carrier: carrier, cause: command, isNew: true)
        }
    }

    /// Cancels the order's shipment; without one, makes sure that none can come later.
    package mutating func cancel(_ orderID: UUID, command: UUID, carrier: some Carrier) {
        guard let shipment = shipments[orderID] else {
            if voided.insert(orderID).inserted { newlyVoided.append(orderID) }
            return reply(to: command, CancelShipment.name, .nothingToUndo, orderID)
        }
        switch shipment.status {
        case .cancelled: reply(to: command, CancelShipment.name, .succeeded, orderID)
        case .withdrawn, .refused: reply(to: command, CancelShipment.name, .nothingToUndo, orderID)
        // Goods left that nobody had released: the reply waits until the carrier has called them back.
        case .dispatched:
            var conversation = ShipmentConversation(shipment)
            conversation.wantCancellation(command)
            store(conversation.shipment)
        case .delivered: conflicts[command] = shipment.status
        case .requested, .booked:
            var conversation = ShipmentConversation(shipment)
            conversation.wantCancellation(command)
            proceed(conversation, carrier: carrier, cause: command, isNew: false)
        }
    }

    /// The order is confirmed: from now on the goods may leave. Who says it again has not heard where the goods are.
    package mutating func confirm(_ orderID: UUID, cause: UUID, carrier: some Carrier) {
        guard let shipment = shipments[orderID] else { return }
        switch shipment.status {
        case .dispatched: return tellAgain(MessageType.shipmentDispatched, orderID, cause)
        case .delivered: return tellAgain(MessageType.shipmentDelivered, orderID, cause)
        case .refused, .withdrawn, .cancelled: return
        case .requested, .booked: if shipment.isConfirmed { return }
        }
        var conversation = ShipmentConversation(shipment)
        conversation.confirm()
        proceed(conversation, carrier: carrier, cause: cause, isNew: false)
    }

    /// Goes on as far as the carrier answers at once, and keeps what came of it.
    private mutating func proceed(
        _ start: ShipmentConversation, carrier: some Carrier, cause: UUID, isNew: Bool
    ) {
        var conversation = start
        var step: ShipmentConversation.Step?
        // A call that may be under way is not overtaken: its answer decides. Where the goods are is asked in due time.
        if conversation.shipment.standing != .sent, let call = conversation.nextCall, call != .track,
            let answer = carrier.immediateAnswer(to: call, for: conversation.shipment)
        {
            conversation.begin(call)
            step = conversation.hear(answer, to: call)
        }
        var shipment = conversation.shipment
        switch (conversation.nextCall, step) {
        case (nil, _), (_, .rest): shipment.due = .never
        // Nothing of it ever left, so there is nothing to cancel.
        case (.cancel, _) where shipment.status == .withdrawn && shipment.standing == .unsent: shipment.due = .never
        case (.track, _): shipment.due = carrier.trackingDelay(of: shipment).map { .after($0) } ?? .never
        default: shipment.due = .nudged
        }
        if shipment.due != .never { hasDueTimes = true }
        replies += conversation.replies
        events += conversation.events.map { Event(orderID: shipment.orderID, type: $0, cause: cause) }
        // Who refuses at once is asked again at once: nothing need be remembered of it.
        if isNew, shipment.status == .refused { return }
        if isNew { created.append(shipment.orderID) }
        store(shipment)
    }

    private mutating func tellAgain(_ type: String, _ orderID: UUID, _ cause: UUID) {
        events.append(Event(orderID: orderID, type: type, cause: cause))
    }

    private mutating func reply(
        to command: UUID, _ name: String, _ outcome: CommandReply.Outcome, _ orderID: UUID, _ reason: Reason? = nil
    ) {
        let reply = CommandReply(orderID: orderID, command: name, outcome: outcome, reason: reason)
        replies.append(ShipmentConversation.Reply(command: command, reply: reply))
    }

    private mutating func store(_ shipment: Shipment) {
        shipments[shipment.orderID] = shipment
        if !created.contains(shipment.orderID) { changed.insert(shipment.orderID) }
    }
}

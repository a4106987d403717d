import Clocks
import Contracts
import Defects
import Messaging
import OrderService

/// Confirmed orders whose goods do not arrive, as `OrderFollowUp` speaks of them again.
///
/// How it finds them, by the feed of status changes, is not modelled: here each order has its due time from its confirmation.
extension World {
    private var followUpRules: FollowUpRules { FollowUpRules() }

    /// The nearest time at which a confirmation is said again, by the database's clock.
    var nextFollowUp: Timestamp? {
        orders.orders.values.compactMap(\.followUp?.dueAt).min()
    }

    func beginFollowing(_ id: UUID) {
        let dueAt = databaseNow(.order).advanced(by: followUpRules.wait(after: 0))
        orders.orders[id]?.followUp = OrderTables.FollowUp(dueAt: dueAt)
    }

    func sayConfirmationsAgain(_ replica: Int) -> Ran {
        let time = databaseNow(.order)
        let due = orders.orders.values.filter { $0.followUp.map { $0.dueAt <= time } ?? false }.map(\.id).sorted()
        guard !due.isEmpty else { return .committed }
        let late =
            Defect.confirmationsSaidOnce.isOn ? [] : due.filter { orders.orders[$0]?.status.awaitsGoods ?? false }
        if !late.isEmpty { saw(.confirmationRepeated) }
        let outgoing = late.map { fact($0, MessageType.orderConfirmed, .orderEvents, nil, replica) }
        return unitOfWork(replica, outgoing: outgoing) {
            for id in due {
                guard late.contains(id), let repeats = orders.orders[id]?.followUp?.repeats else {
                    orders.orders[id]?.followUp = nil
                    continue
                }
                let wait = followUpRules.wait(after: repeats + 1)
                orders.orders[id]?.followUp = OrderTables.FollowUp(
                    repeats: repeats + 1, dueAt: time.advanced(by: wait))
            }
        }
    }
}

import Clocks

/// Work that waits in a table until its due time, and survives whoever does it.
///
/// An item is claimed by a commit that keeps others away for longer than the work can take; who dies leaves it due again
/// when the claim ends. Due times are made and compared by the database's clock alone.
package protocol DueWork: Sendable {
    associatedtype Item: Sendable

    /// Whether work may be begun now. While it may not, nothing is claimed.
    var admission: CallAdmission { get }

    /// Claims up to `limit` items that are due.
    func claim(limit: Int) async throws -> [Item]

    /// Does the work of an item and writes down what came of it. What it could not write down is due again when the claim
    /// ends. Returns soon after its task is cancelled.
    func work(on item: Item) async

    /// How long until the next item is due or its claim ends; nil when nothing waits.
    func untilNextDue() async throws -> Duration?
}

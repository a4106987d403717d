/// All that was seen of a run, from outside: what the checks look at.
package struct Observation: Sendable {
    /// In the order in which they were invoked.
    package var operations: [Operation] = []
    /// The final reads by id, once nothing is under way; an id that was not found is in ``missing``.
    package var orders: [ObservedOrder] = []
    /// Ids that somebody was told of and a final read answered 404.
    package var missing: Set<String> = []
    /// Ids whose final read gave no certain answer.
    package var unread: Set<String> = []
    /// The orders that the walk over the list showed, by id: customer and status.
    package var listed: [String: Listed] = [:]
    /// Every payment of the run's orders, and those whose order nobody knows.
    package var payments: [ObservedPayment] = []
    package var shipments: [ObservedShipment] = []
    package var reservations: [ObservedReservation] = []
    /// The books at the end.
    package var audits = Audits()
    /// The books while the faults were there: what holds at any time is checked in each.
    package var snapshots: [Snapshot] = []
    /// What the run received into stock, by SKU; only these SKUs are held against the orders.
    package var stocked: [String: Int64] = [:]
    /// The provider's charges; nil when money moves by rules inside payment-service.
    package var providerCharges: [ProviderCharge]?
    package var recovery = Recovery()
    package var service = ServiceLevel()
    /// What the experiment makes the suite park on purpose.
    package var allowedDeadLetters = 0

    package init() {}

    package struct Listed: Sendable, Hashable {
        package var customerID: String
        package var status: String

        package init(customerID: String, status: String) {
            self.customerID = customerID
            self.status = status
        }
    }

    package struct Snapshot: Sendable {
        /// Nanoseconds since the drill began.
        package var at: Int64
        package var audits: Audits

        package init(at: Int64, audits: Audits) {
            self.at = at
            self.audits = audits
        }
    }

    /// How long it took until everything was as before, from the last heal on.
    package struct Recovery: Sendable {
        /// Seconds until every service was ready; nil when that never came.
        package var readySeconds: Double?
        package var readyLimit: Double = 15
        /// Seconds until no order, saga, outbox or consumer had anything under way.
        package var restSeconds: Double?
        package var restLimit: Double = 30
        /// What was still under way when time was up, one sentence each.
        package var outstanding: [String] = []

        package init() {}
    }

    /// How the service was for those who used it.
    package struct ServiceLevel: Sendable {
        /// Requests outside of the faults' times, and how many of them did not succeed although they were in order.
        package var calmRequests = 0
        package var calmErrors = 0
        /// The share of ``calmErrors`` that is allowed.
        package var errorBudget = 0.01
        /// The 99th percentile in seconds before the faults and after recovery; nil with too few requests.
        package var p99Before: Double?
        package var p99After: Double?
        /// How much slower it may be afterwards: a factor, with a floor in seconds below which nobody minds.
        package var p99Factor = 1.5
        package var p99Floor = 0.25
        /// By process: how often it was started again, and how often a fault ended it on purpose.
        package var restarts: [String: Int] = [:]
        package var expectedRestarts: [String: Int] = [:]
        /// By process that lived through the run: open files and resident memory before and after.
        package var resources: [String: (before: Resources, after: Resources)] = [:]

        package init() {}
    }

    package struct Resources: Sendable, Hashable {
        package var files: Int
        package var residentBytes: Int64

        package init(files: Int, residentBytes: Int64) {
            self.files = files
            self.residentBytes = residentBytes
        }
    }

    /// The operations of one key, in order.
    package func operations(ofKey key: String) -> [Operation] { operations.filter { $0.idempotencyKey == key } }

    /// All that is known of an order, as a list of events that a person can follow.
    package func story(of orderID: String) -> [String] {
        let key = operations.first { $0.orderID == orderID && $0.isPlacing }?.idempotencyKey
        var lines = operations.filter { $0.orderID == orderID || (key != nil && $0.idempotencyKey == key) }
            .map(\.description)
        if let order = orders.first(where: { $0.id == orderID }) {
            lines.append(
                "final read: \(order.status)" + (order.reason.map { " (\($0))" } ?? "") + ", total \(order.total)")
            lines += order.timeline.map { entry in
                "    \(entry.step)\(entry.undoes.map { " undoes \($0)" } ?? ""): \(entry.status)"
            }
        } else {
            lines.append(missing.contains(orderID) ? "final read: 404" : "final read: none")
        }
        lines += payments.filter { $0.orderID == orderID }.map(\.description)
        lines += shipments.filter { $0.orderID == orderID }.map(\.description)
        lines += reservations.filter { $0.orderID == orderID }.map(\.description)
        return lines
    }
}

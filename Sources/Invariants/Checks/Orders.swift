extension Invariant {
    static let acknowledgedIsKept = Invariant(
        id: "I1", title: "Acknowledged is kept", promises: [.acknowledgedIsKept],
        statement: "Every order answered with 2xx is found by its id and in the list."
    ) { run in
        var findings = Findings()
        for operation in run.operations where operation.isPlacing && operation.outcome == .ok {
            guard let id = operation.orderID else { continue }
            findings.look()
            findings.expect(
                !run.missing.contains(id), "order \(id) was acknowledged and is not found any more", run.story(of: id))
            if run.unread.contains(id) { findings.doubt("order \(id) could not be read at the end") }
            findings.expect(
                run.listed[id] != nil || run.missing.contains(id) || run.unread.contains(id),
                "order \(id) was acknowledged and is missing in the list", run.story(of: id))
        }
        return findings.result
    }

    static let oneFinalState = Invariant(
        id: "I2", title: "One final state", promises: [.oneFinalState],
        statement:
            "Every order reaches one outcome and keeps it; one whose cancellation was accepted is never confirmed."
    ) { run in
        var findings = Findings()
        let cancelled = Set(
            run.operations.filter { $0.kind == .cancel && $0.outcome == .ok }.compactMap(\.orderID))
        for order in run.orders {
            findings.look()
            findings.expect(
                OrderStatus.outcome(order.status) != nil,
                "order \(order.id) is \(order.status) although all is at rest",
                run.story(of: order.id))
            findings.expect(
                !(cancelled.contains(order.id) && order.isConfirmed),
                "the cancellation of order \(order.id) was accepted, and it is \(order.status)", run.story(of: order.id)
            )
            let seen = run.reads(of: order.id).compactMap { $0.orderStatus.flatMap(OrderStatus.outcome) }
            let outcomes = Set(seen + [OrderStatus.outcome(order.status)].compactMap { $0 })
            findings.expect(
                outcomes.count <= 1,
                "order \(order.id) had several outcomes: \(outcomes.sorted().joined(separator: ", "))",
                run.story(of: order.id))
        }
        return findings.result
    }

    static let legalHistory = Invariant(
        id: "I3", title: "Legal history", promises: [.oneFinalState, .compensatedInReverse],
        statement: "What an order did is a path of its state machine, ends as its input allows, and undoes in reverse."
    ) { run in
        var findings = Findings()
        let intents = Dictionary(
            run.operations.filter(\.isPlacing).compactMap { operation in
                operation.customerID.flatMap { customer in operation.intent.map { (customer, $0) } }
            }
        ) { first, _ in first }
        for order in run.orders {
            findings.look()
            let promised = order.violations().first { $0.promise == .compensatedInReverse }
            findings.expect(promised == nil, promised?.detail ?? "", run.story(of: order.id))
            let steps = order.timeline.map { "\($0.kind) \($0.undoes ?? $0.step)" }
            findings.expect(
                Set(steps).count == steps.count, "order \(order.id) has a step twice in its timeline",
                run.story(of: order.id))
            if let intent = intents[order.customerID] {
                findings.expect(
                    intent.allows(order), "order \(order.id) asked for \(intent.rawValue) and is \(order.status)",
                    run.story(of: order.id))
            }
            let statuses = run.sequentialReads(of: order.id).compactMap(\.orderStatus) + [order.status]
            for (earlier, later) in zip(statuses, statuses.dropFirst()) {
                findings.expect(
                    OrderStatus.canBecome(earlier, later), "order \(order.id) went from \(earlier) to \(later)",
                    run.story(of: order.id))
            }
        }
        return findings.result
    }

    static let sessions = Invariant(
        id: "I9", title: "Sessions", promises: [.acknowledgedIsKept],
        statement: "Who was told of an order can read it, and never sees it go back."
    ) { run in
        var findings = Findings()
        var acknowledged: [String: Int64] = [:]
        for operation in run.operations where operation.isPlacing && operation.outcome == .ok {
            guard let id = operation.orderID else { continue }
            acknowledged[id] = min(acknowledged[id] ?? .max, operation.completedAt)
        }
        for operation in run.operations where operation.kind == .read {
            guard let id = operation.orderID, let since = acknowledged[id], operation.invokedAt > since else {
                continue
            }
            findings.look()
            findings.expect(
                operation.status != 404, "order \(id) was acknowledged, and a later read did not find it",
                run.story(of: id))
        }
        return findings.result
    }
}

extension Operation.Intent {
    /// Whether an order that asks for this may have this end.
    ///
    /// Under faults anything may be rejected: time runs out, the carrier is away. Nothing that must fail is confirmed.
    func allows(_ order: ObservedOrder) -> Bool {
        switch self {
        case .ok, .slow, .flaky: order.reason != "payment-declined"
        case .declined, .outOfStock, .carrierRefuses: !order.isConfirmed
        }
    }
}

/// The statuses of an order and how they follow each other.
enum OrderStatus {
    /// Confirmed, rejected or cancelled; nil before that.
    static func outcome(_ status: String) -> String? {
        switch status {
        case "confirmed", "shipped", "delivered": "confirmed"
        case "rejected", "cancelled": status
        default: nil
        }
    }

    private static let next: [String: [String]] = [
        "pending": ["confirmed", "rejected", "cancelled"], "confirmed": ["shipped"], "shipped": ["delivered"],
    ]

    /// Whether the one may be read after the other; steps in between may go unseen.
    static func canBecome(_ earlier: String, _ later: String) -> Bool {
        earlier == later || (next[earlier] ?? []).contains { canBecome($0, later) }
    }
}

extension Observation {
    /// The answered reads of an order.
    func reads(of orderID: String) -> [Operation] {
        operations.filter { $0.orderID == orderID && $0.kind == .read && $0.outcome == .ok }
    }

    /// The reads of an order of which each began after the one before had ended: only these have an order.
    func sequentialReads(of orderID: String) -> [Operation] {
        var last = Int64.min
        return reads(of: orderID).sorted { $0.completedAt < $1.completedAt }.filter { read in
            guard read.invokedAt > last else { return false }
            last = read.completedAt
            return true
        }
    }
}

extension Invariant {
    static let nothingFromNothing = Invariant(
        id: "I7", title: "Nothing from nothing", promises: [.sameKeySameAnswer],
        statement:
            "Every order, payment and shipment stems from a request that succeeded or may have; none from one that failed."
    ) { run in
        var findings = Findings()
        var certain: [String: Bool] = [:]
        for operation in run.operations where operation.isPlacing {
            guard let customer = operation.customerID else { continue }
            certain[customer] = (certain[customer] ?? true) && operation.outcome == .fail
        }
        for (id, order) in run.listed.sorted(by: { $0.key < $1.key }) {
            // Orders of others, placed beside the drill, are none of its business.
            guard let isRefused = certain[order.customerID] else { continue }
            findings.look()
            findings.expect(
                !isRefused, "every request for order \(id) failed for certain, and it is there",
                run.operations.filter { $0.customerID == order.customerID }.map(\.description)
                    + ["listed: order \(id) \(order.status)"])
        }
        let known = Set(run.orders.map(\.id)).union(run.listed.keys)
        for shipment in run.shipments where shipment.stands {
            findings.look()
            findings.expect(known.contains(shipment.orderID), "\(shipment) has no order", [shipment.description])
        }
        return findings.result
    }

    static let nothingDropped = Invariant(
        id: "I8", title: "Messages have one effect", promises: [.nothingDroppedSilently],
        statement:
            "Outboxes are empty, nothing is parked that should not be, and each step of an order took effect once."
    ) { run in
        var findings = Findings()
        for (service, count) in run.audits.outboxPending.sorted(by: { $0.key < $1.key }) {
            findings.look()
            findings.expect(
                count == 0, "\(service) still has \(count) messages to publish", ["outbox of \(service): \(count)"])
        }
        let parked = run.audits.deadLetters.values.reduce(0, +)
        findings.expect(
            parked <= run.allowedDeadLetters, "\(parked) messages are parked, \(run.allowedDeadLetters) by the drill",
            run.audits.deadLetters.sorted { $0.key < $1.key }.map { "dead letters of \($0.key): \($0.value)" })
        let shipments = Dictionary(grouping: run.shipments.filter(\.stands), by: \.orderID)
        let payments = Dictionary(grouping: run.payments, by: \.orderID)
        for order in run.orders {
            findings.look()
            findings.expect(
                (payments[order.id] ?? []).count <= 1, "order \(order.id) has several payments", run.story(of: order.id)
            )
            let count = (shipments[order.id] ?? []).count
            findings.expect(
                count <= 1 && (count == 1) == order.isConfirmed,
                "order \(order.id) is \(order.status) and has \(count) shipments that stand", run.story(of: order.id))
        }
        return findings.result
    }

    static let liveness = Invariant(
        id: "I11", title: "Everything comes to rest", promises: [.oneFinalState],
        statement: "In time after the heal every service is ready, every order final, every outbox and queue empty."
    ) { run in
        var findings = Findings()
        let recovery = run.recovery
        findings.look(2)
        findings.expect(
            recovery.readySeconds.map { $0 <= recovery.readyLimit } ?? false,
            recovery.readySeconds.map { "services were ready only \(Self.text($0)) after the heal" }
                ?? "not every service became ready", recovery.outstanding)
        findings.expect(
            recovery.restSeconds.map { $0 <= recovery.restLimit } ?? false,
            recovery.restSeconds.map { "all came to rest only \(Self.text($0)) after the heal" }
                ?? "not everything came to rest", recovery.outstanding)
        return findings.result
    }

    static let serviceLevel = Invariant(
        id: "I12", title: "Service level", promises: [],
        statement:
            "Outside of the faults' times few requests fail, latency is back, nobody died uninvited, nothing leaks."
    ) { run in
        var findings = Findings()
        let level = run.service
        findings.look(level.calmRequests)
        let errors = level.calmRequests == 0 ? 0 : Double(level.calmErrors) / Double(level.calmRequests)
        findings.expect(
            errors <= level.errorBudget,
            "\(level.calmErrors) of \(level.calmRequests) requests outside of the faults' times failed",
            run.operations.filter { $0.isPlacing && $0.outcome != .ok }.prefix(20).map(\.description))
        if let before = level.p99Before, let after = level.p99After {
            findings.expect(
                after <= max(before * level.p99Factor, level.p99Floor),
                "the 99th percentile was \(Self.text(before)) before and is \(Self.text(after)) afterwards",
                ["before \(Self.text(before)), after \(Self.text(after))"])
        }
        for (process, count) in level.restarts.sorted(by: { $0.key < $1.key }) {
            let expected = level.expectedRestarts[process] ?? 0
            findings.expect(
                count <= expected,
                "\(process) was started again \(count) times, \(expected) of them because of a fault",
                ["\(process): \(count) restarts, \(expected) expected"])
        }
        for (process, use) in level.resources.sorted(by: { $0.key < $1.key }) {
            // Pools and caches fill up under load, 32 connections from and to each neighbour; a leak goes on beyond that.
            findings.expect(
                use.after.files <= use.before.files * 2 + 192,
                "\(process) had \(use.before.files) open files and has \(use.after.files)",
                ["\(process): \(use.before.files) → \(use.after.files) files"])
            findings.expect(
                use.after.residentBytes <= use.before.residentBytes * 2 + (64 << 20),
                "\(process) had \(use.before.residentBytes >> 20) MiB and has \(use.after.residentBytes >> 20)",
                ["\(process): \(use.before.residentBytes >> 20) → \(use.after.residentBytes >> 20) MiB"])
        }
        return findings.result
    }

    private static func text(_ seconds: Double) -> String {
        let milliseconds = Int((seconds * 1000).rounded())
        return milliseconds < 1000 ? "\(milliseconds) ms" : "\(milliseconds / 1000).\(milliseconds / 100 % 10) s"
    }
}

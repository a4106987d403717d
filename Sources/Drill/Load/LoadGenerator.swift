import Clocks
import Invariants

/// Places orders at a steady rate until it is cancelled, whatever becomes of the earlier ones.
struct LoadGenerator: Sendable {
    let plan: LoadPlan
    let client: SuiteClient
    let history: History
    let time: any TimeSource
    /// The API of each replica of order-service; ports do not change when one is started again.
    let replicas: [String]

    /// So many orders may be under way at once; more means that nothing is answered any more, and waits.
    private static let limit = 4000

    /// Runs until the task is cancelled, then until what is under way has ended.
    ///
    /// - Returns: the orders in the order of their numbers.
    func run() async -> [LoadPlan.Order] {
        let begin = time.now
        let interval = Duration.seconds(1) / plan.settings.rate
        return await withDiscardingTaskGroup(returning: [LoadPlan.Order].self) { group in
            var orders: [LoadPlan.Order] = []
            while true {
                let due = begin.advanced(by: interval * orders.count)
                guard (try? await time.sleep(until: due)) != nil else { return orders }
                if history.pendingCount > Self.limit {
                    guard (try? await time.sleep(for: interval)) != nil else { return orders }
                    continue
                }
                let order = plan.order(orders.count)
                orders.append(order)
                let dueAt = history.start.duration(to: due).wholeNanoseconds
                // Detached from the cancellation that ends the load: who has asked waits for the answer.
                group.addTask { await Task { await follow(order, dueAt: dueAt) }.value }
            }
        }
    }

    /// One customer with one order.
    private func follow(_ order: LoadPlan.Order, dueAt: Int64) async {
        async let twin: Void = order.hasTwin ? place(order, .twin, draw: order.draw + 1, dueAt: dueAt) : ()
        let placed: Operation = await place(order, .place, draw: order.draw, dueAt: dueAt)
        await twin
        guard placed.outcome == .ok, let id = placed.orderID else { return }
        async let cancelled: Void = cancel(order, id)
        for pause in order.readsAfter {
            try? await time.sleep(for: pause)
            await read(order, id)
        }
        await cancelled
    }

    private func place(_ order: LoadPlan.Order, _ kind: Operation.Kind, draw: Int, dueAt: Int64) async {
        let _: Operation = await place(order, kind, draw: draw, dueAt: dueAt)
    }

    @discardableResult
    func place(
        _ order: LoadPlan.Order, _ kind: Operation.Kind, draw: Int, dueAt: Int64?
    ) async -> Operation {
        let ticket = history.invoke(
            kind, key: order.key, customerID: order.customerID, intent: order.intent, traceID: order.traceID,
            dueAt: dueAt)
        let answer = await client.send(
            .post, replicas[draw % replicas.count] + "/v1/orders", body: order.body,
            fields: [("Idempotency-Key", order.key), ("traceparent", traceparent(order, ticket))],
            within: plan.settings.timeout)
        return history.complete(ticket, answer)
    }

    private func cancel(_ order: LoadPlan.Order, _ id: String) async {
        guard let pause = order.cancelsAfter else { return }
        try? await time.sleep(for: pause)
        let ticket = history.invoke(.cancel, customerID: order.customerID, orderID: id, traceID: order.traceID)
        let answer = await client.send(
            .post, replicas[order.draw % replicas.count] + "/v1/orders/\(id)/cancellation", body: "{}",
            fields: [("traceparent", traceparent(order, ticket))], within: plan.settings.timeout)
        history.complete(ticket, answer)
    }

    func read(_ order: LoadPlan.Order, _ id: String) async {
        let ticket = history.invoke(.read, customerID: order.customerID, orderID: id, traceID: order.traceID)
        let draw = order.draw + ticket.index
        let answer = await client.send(
            .get, replicas[draw % replicas.count] + "/v1/orders/\(id)",
            fields: [("traceparent", traceparent(order, ticket))], within: plan.settings.timeout)
        history.complete(ticket, answer)
    }

    private func traceparent(_ order: LoadPlan.Order, _ ticket: History.Ticket) -> String {
        let span = String(ticket.index + 1, radix: 16)
        return "00-\(order.traceID)-" + String(repeating: "0", count: 16 - span.count) + span + "-00"
    }

    /// Asks again, with the same key, for every order of which nobody knows whether it was taken, until that is known.
    ///
    /// - Returns: the keys about which nothing could be learnt.
    func settle(_ orders: [LoadPlan.Order], within limit: Duration) async -> [String] {
        var known: Set<String> = []
        var doubtful: Set<String> = []
        for operation in history.operations where operation.isPlacing {
            guard let key = operation.idempotencyKey else { continue }
            if operation.outcome == .ok { known.insert(key) }
            if operation.outcome == .info { doubtful.insert(key) }
        }
        doubtful.subtract(known)
        var open: [String] = []
        let deadline = time.now.advanced(by: limit)
        for order in orders where doubtful.contains(order.key) {
            var isSettled = false
            while !isSettled, time.now < deadline {
                let operation: Operation = await place(order, .settle, draw: order.draw, dueAt: nil)
                isSettled = operation.outcome == .ok || (operation.status.map { (400..<500).contains($0) } ?? false)
                if !isSettled { try? await time.sleep(for: .milliseconds(200)) }
            }
            if !isSettled { open.append(order.key) }
        }
        return open
    }
}

import Clocks
import Contracts
import Defects
import Messaging
import OrderService
import Saga

/// A customer, with one order under one key.
struct Customer {
    let plan: OrderPlan
    /// What is wished for and not settled.
    var openWishes = 1
    var attempts: [Request.Kind: Int] = [:]
    /// What was answered with 2xx.
    var answer: OrderTables.Answer?
    var isCancellationAccepted = false
    /// Wishes that have their answer: later answers are repeats.
    var settled: Set<Request.Kind> = []

    init(plan: OrderPlan) {
        self.plan = plan
    }

    var key: String { "key-\(plan.number)" }

    /// One for each number, also for those that are left out.
    static func all(_ orders: [OrderPlan]) -> [Customer] {
        guard let last = orders.last else { return [] }
        var customers = (0...last.number).map { _ in
            var idle = Customer(plan: last)
            idle.openWishes = 0
            return idle
        }
        for order in orders { customers[order.number] = Customer(plan: order) }
        return customers
    }
}

/// Customers time out and send again, under the same key, to any replica.
extension World {
    func customer(_ number: Int, _ event: CustomerEvent) {
        switch event {
        case .wants(let kind): send(kind, of: number)
        case .timesOut(let request): retry(request)
        case .hears(let request, let reply): hear(request, reply)
        }
    }

    private func send(_ kind: Request.Kind, of number: Int) {
        customers[number].attempts[kind, default: 0] += 1
        let request = Request(customer: number, attempt: customers[number].attempts[kind] ?? 0, kind: kind)
        let plan = customers[number].plan
        for _ in 0..<(kind == .place ? plan.copies : 1) {
            let copies = replicas.filter { $0.service == .order }
            let (replica, delay) = withRandom(.customers) { ($0.pick(copies), $0.skewed(200...100_000)) }
            guard now >= Plan.healed || !withRandom(.customers, { faults.isRequestLost(now, &$0) }) else { continue }
            if replica.isUp {
                push(.request(request), of: replica.id, after: delay)
            } else {
                push(.customer(number, .hears(request, .tryAgain)), after: delay)
            }
        }
        push(.customer(number, .timesOut(request)), after: plan.patience)
    }

    private func retry(_ request: Request) {
        let customer = customers[request.customer]
        guard !customer.settled.contains(request.kind), request.attempt == customer.attempts[request.kind] else {
            return
        }
        guard request.kind != .place || request.attempt < customer.plan.attempts else {
            note("customer \(request.customer)", "gives up")
            return settle(request)
        }
        send(request.kind, of: request.customer)
    }

    private func settle(_ request: Request) {
        if customers[request.customer].settled.insert(request.kind).inserted {
            customers[request.customer].openWishes -= 1
        }
    }

    private func wish(_ kind: Request.Kind, _ number: Int, after wait: Int64) {
        customers[number].openWishes += 1
        push(.customer(number, .wants(kind)), after: wait)
    }

    private func hear(_ request: Request, _ reply: CustomerEvent.Reply) {
        let number = request.customer
        switch (request.kind, reply) {
        case (_, .tryAgain): break  // the timeout sends it again
        case (.place, .accepted(let answer)): accepted(request, answer)
        case (.place, .keyReused): fail(.sameKeySameAnswer, "order \(number)'s own key is refused as somebody else's")
        case (.placeOther, .accepted(let answer)):
            fail(
                .sameKeySameAnswer,
                "the key of order \(number) was used for another request, answered \(name(of: answer.orderID))")
        case (.placeOther, _): settle(request)
        case (.cancel, .cancellation(let isAccepted)):
            if isAccepted { customers[number].isCancellationAccepted = true }
            settle(request)
        case (.cancel(let id), .keyReused):
            fail(.acknowledgedIsKept, "order \(number) (\(id)) was answered with 2xx and is not found")
        default: break
        }
    }

    private func accepted(_ request: Request, _ answer: OrderTables.Answer) {
        let number = request.customer
        if let earlier = customers[number].answer {
            saw(.repeatedRequest)
            if earlier != answer {
                fail(
                    .sameKeySameAnswer,
                    "the key of order \(number) has two answers: \(earlier.orderID), \(answer.orderID)")
            }
            return
        }
        note("customer \(number)", "is told that order \(number) is accepted")
        customers[number].answer = answer
        let plan = customers[number].plan
        if let wait = plan.cancelledAfter { wish(.cancel(answer.orderID), number, after: wait) }
        if plan.reusesKey { wish(.placeOther, number, after: .seconds(1)) }
        settle(request)
    }

    // MARK: order-service's API

    private func respond(_ request: Request, _ reply: CustomerEvent.Reply, _ replica: Int) {
        guard now >= Plan.healed || !withRandom(.customers, { faults.isRequestLost(now, &$0) }) else { return }
        push(.customer(request.customer, .hears(request, reply)), after: networkDelay(replica))
    }

    func serve(_ request: Request, _ replica: Int) {
        if case .cancel(let id) = request.kind { return cancel(id, request, replica) }
        let key = customers[request.customer].key
        let fingerprint = request.kind == .place ? 0 : 1
        // Concurrent requests with one key wait for each other at its unique index: whoever comes second finds the record.
        if let recorded = orders.keys[key], !Defect.keysForgotten.isOn {
            return respond(
                request, recorded.fingerprint == fingerprint ? .accepted(recorded.answer) : .keyReused, replica)
        }
        let amount = Money(amount: total(of: customers[request.customer].plan.lines), currency: "EUR")
        let answer = OrderTables.Answer(orderID: newID(of: replica), amount: amount)
        if Defect.answerBeforeCommit.isOn {
            respond(request, .accepted(answer), replica)
            return push(.commitLate(request, answer), of: replica, after: databaseDelay(replica))
        }
        switch place(request, answer, replica) {
        case .committed: respond(request, .accepted(answer), replica)
        case .failed, .unknown: respond(request, .tryAgain, replica)
        case .died: break
        }
    }

    func commitLate(_ request: Request, _ answer: OrderTables.Answer, _ replica: Int) {
        guard orders.keys[customers[request.customer].key] == nil else { return }
        _ = place(request, answer, replica)
    }

    private func total(of lines: [OrderLine]) -> Int64 {
        lines.reduce(0) { sum, line in
            sum + line.quantity * (plan.items.first { $0.sku == line.sku }?.price ?? 0)
        }
    }

    /// As `OrderWriter`: key, order, saga and its first command in one transaction.
    private func place(_ request: Request, _ answer: OrderTables.Answer, _ replica: Int) -> Ran {
        let customer = customers[request.customer]
        let fortune = customer.plan.fortune
        let country = fortune == .refusedByCarrier ? "AQ" : fortune == .slowCarrier ? "IS" : "DE"
        let token = fortune == .declined ? "tok_declined" : fortune == .slowPayment ? "tok_slow" : "tok_ok"
        let row = OrderTables.OrderRow(
            id: answer.orderID, plan: request.customer, status: .pending, amount: answer.amount,
            lines: customer.plan.lines,
            shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: country), token: token)
        let time = databaseNow(.order)
        let jitter = withRandom(of: replica) { $0.unit() }
        let (state, actions) = SagaMachine.start(definition, now: time, jitter: jitter)
        var writes = SagaWrites(definition, now: time)
        writes.add(actions, answer.orderID, state, journal: [], order: row)
        return advance(replica, writes) {
            note(replicas[replica].name, "writes order \(request.customer)")
            orders.orders[answer.orderID] = row
            orders.keys[customer.key] = OrderTables.KeyRow(
                fingerprint: request.kind == .place ? 0 : 1, answer: answer)
            checkKeys(request.customer)
        }
    }

    /// A wish to cancel: the saga decides under its row's lock.
    private func cancel(_ id: UUID, _ request: Request, _ replica: Int) {
        guard let row = orders.sagas[id], let order = orders.orders[id] else {
            return respond(request, .keyReused, replica)
        }
        let time = databaseNow(.order)
        var machine = SagaMachine(definition, row.state)
        let (answer, transition) = machine.cancel(reason: Reason.cancelledByCustomer.rawValue, now: time)
        guard case .actions(let actions) = transition else {
            return respond(request, .cancellation(isAccepted: answer == .accepted), replica)
        }
        var writes = SagaWrites(definition, now: time)
        writes.add(actions, id, machine.state, journal: row.journal, order: order)
        switch advance(replica, writes) {
        case .committed: respond(request, .cancellation(isAccepted: answer == .accepted), replica)
        case .failed, .unknown: respond(request, .tryAgain, replica)
        case .died: break
        }
    }
}

import Clocks
import Contracts
import Defects
import Invariants
import Messaging
import OrderService
import Saga

/// The whole suite in virtual time: four services with replicas and databases, a broker, a payment provider, a carrier,
/// customers and operators.
///
/// What decides is the services' own: the saga machine with the order saga's definition, the relay's state, the
/// ledgers and conversations of the participants, the guard against late commands. What does I/O in a service
/// is an event here, so that anything can come between two of them. A transaction takes its effect in one instant, which
/// is what row locks and advisory locks make of it in the services: nobody sees or changes the rows that another
/// transaction has locked.
final class World {
    let plan: Plan
    let faults: ActiveFaults
    let definition: SagaDefinition
    private(set) var now: Instant = 0
    private(set) var eventCount = 0
    private var queue = EventQueue()
    private var streams: [Randomness]

    var replicas: [Replica]
    /// By service.
    var messages = Array(repeating: MessageTables(), count: 4)
    var orders = OrderTables()
    var inventory = InventoryTables()
    var payment = PaymentTables()
    var shipping = ShippingTables()
    var broker: Broker
    var outside = Outside()
    /// By the number of their order; one whose order is left out of the plan wishes for nothing.
    var customers: [Customer]
    var observations = Observations()
    var history: History
    /// The newest owner of rows in an outbox: each life of a process has its own.
    var nextOwner: Int64 = 1000
    /// Calls that have not reached the provider or the carrier, and messages that have not reached the broker: what is late
    /// can still break something.
    var callsUnderWay = 0
    var messagesUnderWay = 0
    var crashCount = 0
    var sightings: Set<Sighting> = []
    private(set) var violation: Violation?

    /// More events than any world needs that comes to rest.
    static let eventLimit = 200_000
    /// Any will do: the services compare it only with itself.
    static let epoch: Int64 = 1_800_000_000_000_000

    init(_ plan: Plan, recording: Bool = false) {
        self.plan = plan
        faults = ActiveFaults(plan.faults)
        definition = Self.definition(isImpatient: plan.isImpatient)
        let count = 4 * plan.replicas
        streams = (0..<count + Stream.count).map { Randomness(seed: plan.seed, stream: 1 + $0) }
        replicas = (0..<count).map {
            Replica(
                id: $0, service: SimulatedService.allCases[$0 % 4], owner: Int64($0) + 1, relayMemory: plan.relayMemory)
        }
        broker = Broker(partitions: plan.partitions)
        customers = Customer.all(plan.orders)
        history = History(isRecording: recording)
        begin()
    }

    /// Sources of chance that are no replica's.
    enum Stream: Int {
        case broker, provider, carrier, customers
        static let count = 4
    }

    func withRandom<Result>(_ stream: Stream, _ body: (inout Randomness) -> Result) -> Result {
        body(&streams[stream.rawValue])
    }

    func withRandom<Result>(of replica: Int, _ body: (inout Randomness) -> Result) -> Result {
        body(&streams[Stream.count + replica])
    }

    func newID(of replica: Int) -> UUID {
        withRandom(of: replica) { UUID(high: $0.next(), low: $0.next()) }
    }

    // MARK: Time

    func push(_ event: Event, after wait: Int64) {
        if case .append = event { messagesUnderWay += 1 }
        queue.push(event, at: now + max(wait, 0))
    }

    func push(_ step: Step, of replica: Int, after wait: Int64) {
        push(.step(replica: replica, incarnation: replicas[replica].incarnation, step), after: wait)
    }

    /// The database's clock.
    func databaseNow(_ service: SimulatedService) -> Timestamp {
        Timestamp(microseconds: Self.epoch + now + faults.databaseSkew[service.rawValue])
    }

    /// A process's wall clock.
    func wallNow(_ replica: Int) -> Timestamp {
        Timestamp(microseconds: Self.epoch + now + (faults.clockSkew[replica] ?? 0))
    }

    /// How long a transaction takes.
    func databaseDelay(_ replica: Int) -> Int64 {
        withRandom(of: replica) { $0.skewed(500...30_000) }
    }

    /// How long a message or a call is on its way.
    func networkDelay(_ replica: Int) -> Int64 {
        withRandom(of: replica) { $0.skewed(200...50_000) }
    }

    // MARK: Running

    private func begin() {
        for sku in plan.items {
            inventory.levels[sku.sku] = .init(received: sku.stock, available: sku.stock)
        }
        for replica in replicas.indices { push(.start(replica: replica), after: 0) }
        for order in plan.orders { queue.push(.customer(order.number, .wants(.place)), at: order.at) }
        for fault in plan.faults {
            switch fault.kind {
            case .pause(let replica, let window):
                queue.push(.pause(replica: replica, until: window.until), at: window.from)
            case .brokerAway(let window, let forgets):
                queue.push(.brokerIsBack(forgets: forgets), at: window.until)
            case .rebalance(let service, let at): queue.push(.rebalance(service), at: at)
            default: break
            }
        }
        queue.push(.operators, at: Plan.healed)
        queue.push(.look, at: Instant.seconds(30))
    }

    /// Lets everything happen until all is at rest, or until a promise is broken.
    func run() {
        while violation == nil, let (at, event) = queue.pop() {
            now = at
            eventCount += 1
            guard eventCount <= Self.eventLimit, at <= Plan.deadline else {
                fail(.oneFinalState, "the world does not come to rest: \(whatIsOpen)")
                return
            }
            if case .look = event {
                if isAtRest { return checkAtRest() }
                push(.look, after: .seconds(2))
            } else {
                handle(event)
            }
        }
    }

    private func handle(_ event: Event) {
        switch event {
        case .step(let replica, let incarnation, let step):
            guard replicas[replica].incarnation == incarnation, replicas[replica].isUp else { return }
            if replicas[replica].pausedUntil > now { return queue.push(event, at: replicas[replica].pausedUntil) }
            take(step, by: replica)
        case .published(let replica, let incarnation, let rows): receive(rows, from: replica, incarnation)
        case .append(let message):
            messagesUnderWay -= 1
            append(message)
        case .called(let call): answer(call)
        case .customer(let number, let event): customer(number, event)
        case .start(let replica): start(replica)
        case .pause(let replica, let until): pause(replica, until: until)
        case .wake(let replica): wake(replica)
        case .expel(let replica, let incarnation): expel(replica, incarnation)
        case .rebalance(let service): rebalance(service)
        case .brokerIsBack(let forgets): brokerIsBack(forgets: forgets)
        case .operators: operators()
        case .look: break
        }
    }

    private func take(_ step: Step, by replica: Int) {
        switch step {
        case .send: send(replica)
        case .acknowledged(let answers): acknowledged(replica, answers)
        case .delete: delete(replica)
        case .sweep: sweep(replica)
        case .hasRead(let rows, let isComplete, let wasBehind):
            hasRead(replica, rows, isComplete: isComplete, wasBehind: wasBehind)
        case .parked(let step): parked(step, replica)
        case .poll: poll(replica)
        case .handle: handleChunk(replica)
        case .commitOffsets: commitOffsets(replica)
        case .rejoin: join(replica)
        case .due: due(replica)
        case .answered(let call): answered(replica, call)
        case .command(let call): carryOut(call, replica)
        case .directReply(let payload, let order): hearDirectly(payload, of: order, replica)
        case .directUnavailable(let command): parkWaiting(for: command, replica)
        case .request(let request): serve(request, replica)
        case .commitLate(let request, let answer): commitLate(request, answer, replica)
        }
    }

    func fail(_ promise: Violation.Promise, _ detail: String) {
        guard violation == nil else { return }
        violation = Violation(promise, detail)
        note("observer", "BROKEN \(promise.rawValue): \(detail)")
    }

    func note(_ who: @autoclosure () -> String, _ what: @autoclosure () -> String) {
        if history.isRecording { history.add(now, who(), what()) }
    }
}

import Clocks
import Saga
import Testing

/// A saga under test, spoken to in the words of the business.
struct SagaScenario {
    let definition: SagaDefinition
    private(set) var machine: SagaMachine
    private(set) var journal: [SagaJournalEntry] = []
    private(set) var sent: [String] = []
    private(set) var outcomes: [SagaOutcome] = []
    private(set) var quarantined: [String] = []
    var now = Timestamp(milliseconds: 1_767_225_600_000)

    static let order: [SagaStep] = [
        .compensatable("reserve-stock", undoneBy: "release-stock"),
        .compensatable("charge-payment", undoneBy: "refund-payment"),
        .compensatable("book-shipment", undoneBy: "cancel-shipment"),
        .pivot("confirm"),
        .retriable("commit-stock"),
    ]

    init(_ steps: [SagaStep] = order, deadline: Duration? = nil) throws {
        definition = try SagaDefinition("place-order", version: 1, deadline: deadline, steps: steps)
        let (state, actions) = SagaMachine.start(definition, now: now)
        machine = SagaMachine(definition, state)
        perform(actions)
    }

    var state: SagaState { machine.state }

    mutating func reply(_ command: String, _ reply: SagaReply = .succeeded) {
        apply(machine.reply(to: command, reply, now: now))
    }

    mutating func wait(_ duration: Duration) {
        now = now.advanced(by: duration)
        apply(machine.timer(now: now))
    }

    mutating func cancel() -> SagaMachine.Cancellation {
        let (answer, transition) = machine.cancel(reason: "cancelled-by-customer", now: now)
        apply(transition)
        return answer
    }

    mutating func park(for duration: Duration) {
        apply(machine.park(until: now.advanced(by: duration)))
    }

    mutating func retry() {
        apply(machine.retry(now: now))
    }

    mutating func redrive() {
        apply(machine.redrive(now: now))
    }

    private mutating func apply(_ transition: SagaTransition) {
        guard case .actions(let actions) = transition else { return }
        perform(actions)
    }

    private mutating func perform(_ actions: [SagaAction]) {
        for action in actions {
            switch action {
            case .send(let step, let kind, _):
                let step = definition.steps[step]
                sent.append(kind == .action ? step.name : step.compensation!.name)
            case .perform(let step): sent.append("(\(definition.steps[step].name))")
            case .append(let entry):
                #expect(entry.index == journal.count)
                journal.append(entry)
            case .update(let index, let status, let attempts, let finishedAt, let detail):
                journal[index].status = status
                journal[index].attempts = attempts
                journal[index].finishedAt = finishedAt
                journal[index].detail = detail
            case .finished(let outcome): outcomes.append(outcome)
            case .quarantined(let compensation): quarantined.append(compensation)
            }
        }
    }

    /// The journal in short: `step=status`.
    var history: [String] { journal.map { "\($0.step)=\($0.status.rawValue)" } }
}

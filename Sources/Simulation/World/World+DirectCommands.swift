import Clocks
import Contracts
import Messaging
import OrderService
import Saga
import SagaRuntime

/// Commands over HTTP, as `CommandDispatch` chooses, sends and hears them: the same handler and inbox behind both ways.
extension World {
    private var choice: ChannelChoice { ChannelChoice(channel: plan.channel) }

    /// A circuit breaker needs a few failures to notice that the brokers are gone.
    private var isKafkaOut: Bool {
        faults.isBrokerAway(now) && faults.isBrokerAway(max(0, now - .seconds(3)))
    }

    func way(of command: String, attempt: Int, _ replica: Int) -> CommandWay {
        let service = SimulatedService(dependency: Dependencies.dependency(of: command))
        let isSomebodyThere = replicas.contains { $0.service == service && $0.isUp }
        let outbox = messages[SimulatedService.order.rawValue].outbox
        return choice.way(
            attempt: attempt,
            in: ChannelChoice.Situation(
                isKafkaOut: isKafkaOut, outboxAge: .microseconds(outbox.first.map { now - $0.createdAt } ?? 0),
                http: isSomebodyThere ? .open : .refusing(for: .seconds(2))))
    }

    func send(_ command: DirectCommand, _ replica: Int) {
        ask(DirectCall(command: command, replica: replica, incarnation: replicas[replica].incarnation))
    }

    private func ask(_ call: DirectCall) {
        let service = SimulatedService(dependency: Dependencies.dependency(of: call.command.name))
        let candidates = replicas.filter { $0.service == service }
        let (target, delay) = withRandom(of: call.replica) { ($0.pick(candidates), $0.skewed(200...200_000)) }
        guard !isLost(call.replica) else { return }
        if target.isUp {
            push(.command(call), of: target.id, after: delay)
        } else {
            push(
                .step(
                    replica: call.replica, incarnation: call.incarnation, .directUnavailable(call.command)),
                after: delay)
        }
    }

    private func isLost(_ replica: Int) -> Bool {
        now < Plan.healed && withRandom(of: replica) { faults.isRequestLost(now, &$0) }
    }

    /// At the participant, as `CommandRoute`: one try; whoever sent the command sends it again.
    func carryOut(_ call: DirectCall, _ replica: Int) {
        let envelope = call.command.message.envelope
        let topic = Broker.topicIndex(call.command.message.topic) ?? 0
        let record = Record(number: Record.direct, topic: Broker.topics[topic].topic, envelope: envelope)
        guard !isPoisonous(record, for: replicas[replica].service) else { return }
        saw(.directCommand)
        let late = expired(in: [record], topic: topic, replica)
        let end = transact(Batch([record], topic: topic, expired: late), replica)
        guard end.ran == .committed, !isLost(replica) else { return }
        if let payload = end.replies[envelope.id] {
            push(
                .step(
                    replica: call.replica, incarnation: call.incarnation, .directReply(payload, envelope.orderID)),
                after: networkDelay(replica))
        } else if call.queries > 0 {
            // Taken without an answer: asked again, with the same command.
            var next = call
            next.queries -= 1
            push(.command(next), of: replica, after: .seconds(1))
        }
    }

    func hearDirectly(_ payload: [UInt8], of order: UUID, _ replica: Int) {
        let envelope = MessageEnvelope(
            id: newID(of: replica), source: "http", type: MessageType.commandReply, orderID: order,
            time: wallNow(replica), payload: payload)
        // What cannot be written now is found at the saga's due time.
        let record = Record(number: Record.direct, topic: .sagaReplies, envelope: envelope)
        _ = transact(Batch([record], topic: Broker.topicIndex(Topic.sagaReplies.rawValue) ?? 0), replica)
    }

    /// Who would carry the command out cannot be reached.
    func parkWaiting(for command: DirectCommand, _ replica: Int) {
        guard choice.parks(isKafkaOut: isKafkaOut) else { return }
        let time = databaseNow(.order)
        var writes = SagaWrites(definition, now: time)
        advance(command.saga, replica, &writes) { machine, _ in
            guard machine.expectedCommand == command.name else { return .ignored("it is not under way any more") }
            return machine.park(until: time.advanced(by: ChannelChoice.wait(nil)))
        }
        saw(.parkedSaga)
        _ = advance(replica, writes)
    }
}

extension SimulatedService {
    fileprivate init(dependency: String?) {
        switch dependency {
        case Dependencies.payment: self = .payment
        case Dependencies.shipping: self = .shipping
        default: self = .inventory
        }
    }
}

import Clocks
import Messaging
import SagaRuntime
import ServiceChassis
import Synchronization
import Telemetry

/// What the dispatch knows of Kafka; each is asked without waiting.
struct KafkaView: Sendable {
    /// Whether the circuit breaker refuses messages.
    var isOut: @Sendable () -> Bool
    /// How old the oldest message in the outbox is.
    var outboxAge: @Sendable () -> Duration
    /// How long ago the brokers were last lost; nil for never.
    var troubleAge: @Sendable () -> Duration?

    init(
        isOut: @escaping @Sendable () -> Bool, outboxAge: @escaping @Sendable () -> Duration = { .zero },
        troubleAge: @escaping @Sendable () -> Duration? = { nil }
    ) {
        self.isOut = isOut
        self.outboxAge = outboxAge
        self.troubleAge = troubleAge
    }

    init(_ messaging: MessagingParts) {
        let breaker = messaging.kafkaBreaker
        self.init(
            isOut: { breaker.state.refuses }, outboxAge: messaging.outboxAge, troubleAge: messaging.brokerTroubleAge)
    }
}

/// The ways of order-service's commands: chooses one for each, sends those that go over HTTP, and brings back what became
/// of them.
///
/// A reply that came over HTTP takes the same way through the coordinator as one from Kafka, with others in one transaction.
final class CommandDispatch: CommandChannels, Sendable {
    typealias Parking = (saga: UUID, command: String, wait: Duration)

    /// What is counted, for whoever wants to know how often the first way was not taken.
    struct Counts: Sendable {
        /// So many commands go over HTTP although Kafka would be the way.
        var direct: @Sendable (_ count: Int) -> Void = { _ in }
        /// The saga that waits for this command is parked.
        var parked: @Sendable (_ command: String) -> Void = { _ in }
    }

    private struct Receivers: Sendable {
        var replies: @Sendable ([IncomingMessage]) async throws -> Void
        var parking: @Sendable ([Parking]) async throws -> Void
    }

    private let choice: ChannelChoice
    private let participants: [String: ParticipantChannel]
    private let kafka: KafkaView
    private let counts: Counts
    private let receivers: Receiver
    private let replies: GroupCommit<IncomingMessage, Void>
    private let parkings: GroupCommit<Parking, Void>

    /// Who takes what comes back; known once the coordinator is, which needs the dispatch.
    private final class Receiver: Sendable {
        private let receivers = Mutex<Receivers?>(nil)

        func connect(_ new: Receivers) { receivers.withLock { $0 = new } }

        var connected: Receivers? { receivers.withLock { $0 } }
    }

    /// - Parameter participant: makes the channel to the service of this name; it calls back with what became of a command.
    init(
        _ choice: ChannelChoice, services: [String], kafka: KafkaView, counts: Counts = Counts(),
        participant: (String, @escaping @Sendable (DirectCommand, ParticipantChannel.Answer) async -> Void) throws ->
            ParticipantChannel
    ) rethrows {
        self.choice = choice
        self.kafka = kafka
        self.counts = counts
        let receivers = Receiver()
        let replies = GroupCommit<IncomingMessage, Void>(maximumBatch: 128, maximumWaiting: 4096, flushes: 3) { batch in
            await Self.write(batch) { try await receivers.connected?.replies($0) }
        }
        let parkings = GroupCommit<Parking, Void>(maximumBatch: 200, maximumWaiting: 4096, flushes: 1) { batch in
            await Self.write(batch) { try await receivers.connected?.parking($0) }
        }
        self.receivers = receivers
        self.replies = replies
        self.parkings = parkings
        participants = try Dictionary(
            uniqueKeysWithValues: services.map { service in
                let channel = try participant(service) { command, answer in
                    // What cannot be written now is found at the saga's due time.
                    switch answer {
                    case .reply(let reply): try? await replies.submit(reply)
                    case .unavailable(let rest):
                        guard choice.parks(isKafkaOut: kafka.isOut()) else { return }
                        counts.parked(command.name)
                        try? await parkings.submit((command.saga, command.name, ChannelChoice.wait(rest)))
                    }
                }
                return (service, channel)
            })
    }

    /// Names who takes replies, and sagas that are to be parked; once, before the dispatch runs.
    func connect(
        replies: @escaping @Sendable ([IncomingMessage]) async throws -> Void,
        parking: @escaping @Sendable ([Parking]) async throws -> Void
    ) {
        receivers.connect(Receivers(replies: replies, parking: parking))
    }

    func way(of command: String, attempt: Int) -> CommandWay {
        guard let participant = participant(of: command) else { return .kafka }
        let way = choice.way(
            attempt: attempt,
            in: ChannelChoice.Situation(isKafkaOut: kafka.isOut(), outboxAge: kafka.outboxAge(), http: participant.way))
        if case .none = way { counts.parked(command) }
        return way
    }

    func mayHaveLost(_ age: Duration) -> Bool {
        kafka.isOut() || kafka.troubleAge().map { $0 <= age } ?? false
    }

    func send(_ commands: [DirectCommand]) {
        if choice.channel == .auto { counts.direct(commands.count) }
        for (service, group) in Dictionary(grouping: commands, by: { Dependencies.dependency(of: $0.name) ?? "" }) {
            participants[service]?.send(group)
        }
    }

    /// Sends until cancelled; replies that have come by then are still written.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.replies.run() }
            group.addTask { await self.parkings.run() }
            for participant in participants.values { group.addTask { await participant.run() } }
        }
    }

    private func participant(of command: String) -> ParticipantChannel? {
        Dependencies.dependency(of: command).flatMap { participants[$0] }
    }

    private static func write<Input>(
        _ batch: [Input], _ write: ([Input]) async throws -> Void
    ) async -> [Result<Void, any Error>] {
        do {
            try await write(batch)
            return batch.map { _ in .success(()) }
        } catch {
            return batch.map { _ in .failure(error) }
        }
    }
}

extension CommandDispatch {
    /// The dispatch that is configured, with a resilience pipeline for each participant.
    ///
    /// - Throws: `PipelineConfigurationError` when its bounds contradict each other.
    convenience init(
        _ configuration: OrderConfiguration, _ chassis: Chassis, _ calls: OutgoingCalls, _ messaging: MessagingParts
    ) throws {
        var patience = ServiceCaller.Configuration()
        patience.attemptTimeout = .seconds(2)
        patience.retry.maximumAttempts = 2
        let endpoints = [
            Dependencies.inventory: configuration.inventory, Dependencies.payment: configuration.payment,
            Dependencies.shipping: configuration.shipping,
        ]
        try self.init(
            ChannelChoice(channel: configuration.commandChannel), services: endpoints.keys.sorted(),
            kafka: KafkaView(messaging), counts: Counts(chassis.metrics)
        ) { service, answered in
            let caller = try calls.peer(
                service, breaker: "\(service)-commands", endpoints[service] ?? [], configuration: patience)
            return ParticipantChannel(caller, time: chassis.time, log: chassis.logger, answered: answered)
        }
    }
}

extension CommandDispatch.Counts {
    init(_ metrics: StandardMetrics) {
        let fallbacks = metrics.fallbacks
        let parks = metrics.registry.counter(
            "saga_parks_total", help: "Times a saga found no way for its command and was parked.", labels: ["command"])
        self.init(
            direct: { count in for _ in 0..<count { fallbacks.labelled("send-command").increment() } },
            parked: { parks.labelled($0).increment() })
    }
}

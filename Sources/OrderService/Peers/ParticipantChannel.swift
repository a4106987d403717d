import Clocks
import Contracts
import HTTPCodec
import Messaging
import SagaRuntime
import ServiceChassis
import Synchronization
import Telemetry

/// Sends commands to one participant over HTTP, a bounded number at a time, under all policies of its ``ServiceCaller``.
///
/// Nothing rests on what waits here: a command that is lost with the process, or finds no room, is sent again at its saga's
/// due time.
final class ParticipantChannel: Sendable {
    /// What became of a command.
    enum Answer: Sendable {
        case reply(IncomingMessage)
        /// Nothing was done, and nothing will be before this.
        case unavailable(retryAfter: Duration?)
    }

    /// The bounds and rhythms of a channel.
    struct Configuration: Sendable {
        /// How many commands are under way at a time.
        var concurrency = 32
        /// How many wait for that at most.
        var queueLimit = 10_000
        /// A participant that has taken a command without answering is asked again after this, doubling up to the last.
        var firstQuery = Duration.milliseconds(250)
        var lastQuery = Duration.seconds(2)

        init() {}
    }

    private struct Item: Sendable {
        var command: DirectCommand
        /// When the saga sends the command again by itself.
        var until: MonotonicInstant
        /// After how long it is asked again when it is taken without an answer.
        var query: Duration
    }

    private struct State {
        var waiting = FirstInFirstOut<Item>()
        var running = 0
        /// How many were taken without an answer and are asked about in a while.
        var unanswered = 0
    }

    private let caller: ServiceCaller
    private let configuration: Configuration
    private let answered: @Sendable (DirectCommand, Answer) async -> Void
    private let time: any TimeSource
    private let log: Logger
    private let state = Mutex(State())
    private let arrived = Signal()

    /// - Parameter answered: takes what became of a command; the channel waits for it before it sends another in its place.
    init(
        _ caller: ServiceCaller, configuration: Configuration = Configuration(), time: any TimeSource, log: Logger,
        answered: @escaping @Sendable (DirectCommand, Answer) async -> Void
    ) {
        self.caller = caller
        self.configuration = configuration
        self.answered = answered
        self.time = time
        self.log = log
    }

    /// What its circuit breaker says.
    var way: ChannelChoice.HTTPWay {
        switch caller.admission {
        case .open: .open
        case .probing: .probing(isTaken: state.withLock { !$0.waiting.isEmpty || $0.running > 0 })
        case .refusing(let until): .refusing(for: max(.zero, time.now.duration(to: until)))
        }
    }

    /// Takes commands to send; returns at once.
    func send(_ commands: [DirectCommand]) {
        let now = time.now
        let isFull = state.withLock { state in
            let room = max(0, configuration.queueLimit - state.waiting.count)
            for command in commands.prefix(room) {
                state.waiting.append(
                    Item(command: command, until: now.advanced(by: command.patience), query: configuration.firstQuery))
            }
            return room < commands.count
        }
        if isFull { log.debug("commands find no room and are sent when they are due", ["to": .text(caller.name)]) }
        arrived.notify()
    }

    /// Sends until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            repeat {
                while let item = next() {
                    group.addTask { await self.work(on: item) }
                }
            } while await arrived.wait()
            group.cancelAll()
        }
    }

    private func next() -> Item? {
        let now = time.now
        return state.withLock { state in
            guard state.running < configuration.concurrency else { return nil }
            // What waited for too long is sent by its saga anew.
            guard let item = state.waiting.next({ $0.until <= now }) else { return nil }
            state.running += 1
            return item
        }
    }

    /// Sends the command, under the trace that it belongs to. One that is taken without an answer leaves its place to others
    /// and comes back after a while.
    private func work(on item: Item) async {
        let isUnanswered = await TraceContext.$current.withValue(item.command.trace) { await send(item) }
        let comesBack = state.withLock { state in
            state.running -= 1
            guard isUnanswered, state.unanswered < configuration.queueLimit else { return false }
            state.unanswered += 1
            return true
        }
        arrived.notify()
        guard comesBack else { return }
        try? await time.sleep(for: item.query)
        state.withLock { state in
            state.unanswered -= 1
            var next = item
            next.query = min(item.query * 2, configuration.lastQuery)
            state.waiting.append(next)
        }
        arrived.notify()
    }

    /// Answers whether the command was taken and will be answered: by Kafka, or when it is asked again.
    private func send(_ item: Item) async -> Bool {
        do throws(CallError) {
            let response = try await caller.send(item.command.request, operation: "send-command", deadline: item.until)
            if response.status == .accepted { return true }
            await take(response.status, response.fields, response.body, item.command)
        } catch {
            await take(error, item.command)
        }
        return false
    }

    private func take(_ status: HTTPStatus, _ fields: HTTPFields, _ body: [UInt8], _ command: DirectCommand) async {
        do throws(ProblemDetails) {
            guard status == .ok else { throw ProblemDetails(.internalError, detail: "answered \(status)") }
            let envelope = try MessageEnvelope(httpFields: fields, payload: body)
            let origin = MessageOrigin(
                topic: Topic.sagaReplies.rawValue, partition: -1, offset: Int64(bitPattern: envelope.id.low >> 1))
            await answered(command, .reply(IncomingMessage(envelope: envelope, origin: origin)))
        } catch {
            // Settings or versions that do not fit together: nothing that sending it again would help.
            log.error(
                "a command was refused over HTTP",
                [
                    "orderId": .uuid(command.saga), "command": .text(command.name), "to": .text(caller.name),
                    "detail": .text(error.detail ?? error.type.slug),
                ])
        }
    }

    private func take(_ error: CallError, _ command: DirectCommand) async {
        log.debug("a command has no answer over HTTP", ["orderId": .uuid(command.saga), "error": .error(error)])
        switch error {
        case .unavailable(_, _, let retryAfter), .refused(_, _, let retryAfter):
            await answered(command, .unavailable(retryAfter: retryAfter))
        case .outcomeUnknown, .deadlineExceeded, .cancelled: break
        }
    }
}

extension DirectCommand {
    fileprivate var trace: TraceContext? {
        message.envelope.trace.context
    }

    /// The command as a CloudEvent in binary mode. The receiver's inbox takes it for one however often it comes.
    fileprivate var request: ServiceRequest {
        var fields = message.envelope.httpFields
        fields.remove("traceparent")
        fields.remove("tracestate")
        var request = ServiceRequest(.post, "/v1/commands", fields: fields, body: message.envelope.payload)
        request.repeatsWhenUnknown = true
        return request
    }
}

import Clocks
import Resilience
import Synchronization

/// A database: a bounded pool of connections, each with a thread of its own.
///
/// Every call has a deadline, obeys cancellation by cancelling the running statement, and when a connection breaks says whether
/// a commit may have happened. A bulkhead with a place for each connection decides who may work and who waits; a circuit
/// breaker in front of it, where there is one, refuses calls at once while the database is away.
package final class PostgresClient: Sendable {
    private struct State {
        var pool: PoolState<ConnectionThread>
        var connecting = 0
        var failures = 0
        var noConnectBefore = MonotonicInstant(nanoseconds: 0)
        var lastConnectFailure: PostgresError?
    }

    private let configuration: PostgresConfiguration
    private let time: any TimeSource
    private let random: any RandomSource
    /// Judges whether the server works: lost connections, failed connects and silence are failures, what the server answers is
    /// a success, and what the caller or the pool ended is neither.
    package let breaker: CircuitBreaker?
    /// A place for each connection, and the queue of those who wait for one.
    package let bulkhead: Bulkhead
    private let pulse: Pulse
    private let watch: Watch?
    private let state: Mutex<State>

    /// Called in the caller's task before work that is to be timed; what it answers is called at its end. Nil from it: this
    /// work is nobody's to watch.
    package typealias Watch = @Sendable () -> (@Sendable (PostgresError?) -> Void)?

    /// - Parameters:
    ///   - observer: told of callers that the bulkhead refuses.
    ///   - watch: told of each transaction, statements that are one of their own included.
    package init(
        configuration: PostgresConfiguration, breaker: CircuitBreaker? = nil, time: any TimeSource,
        random: any RandomSource, observer: ResilienceObserver? = nil, watch: Watch? = nil
    ) {
        self.configuration = configuration
        self.breaker = breaker
        self.time = time
        self.random = random
        var places = Bulkhead.Configuration()
        places.limit = configuration.maximumConnections
        places.queueLimit = configuration.queueLimit
        places.maximumWait = configuration.acquireTimeout
        bulkhead = Bulkhead(
            name: breaker?.name ?? configuration.applicationName, configuration: places, time: time, observer: observer)
        self.watch = watch
        pulse = Pulse(limit: configuration.silenceLimit)
        state = Mutex(State(pool: PoolState(maximum: configuration.maximumConnections)))
    }

    /// After this long without any answer, while there is work, the server counts as hung.
    package var silenceLimit: Duration { configuration.silenceLimit }

    package var statistics: PoolStatistics {
        let waiting = bulkhead.snapshot.waiting
        return state.withLock { state in
            PoolStatistics(
                idle: state.pool.idle.count, busy: state.pool.busy - state.connecting, connecting: state.connecting,
                waiting: waiting, maximum: configuration.maximumConnections,
                lastConnectFailure: state.lastConnectFailure?.description)
        }
    }

    /// Whether the server hangs: nothing was answered since `began`, while there was work, and that is too long ago.
    ///
    /// Then those who wait for a connection wait no longer: what one of them knows speaks for all.
    package func hangs(since began: MonotonicInstant) -> Bool {
        guard pulse.isSilent(since: began, now: time.now) else { return false }
        bulkhead.dismissWaiting()
        return true
    }

    /// Closes the pool: idle connections end now, busy ones after their work, and nothing new is begun.
    package func close() {
        for connection in state.withLock({ $0.pool.close() }) { connection.close() }
        bulkhead.dismissWaiting()
    }

    // MARK: Work

    /// Runs one statement as a transaction of its own.
    package func query(
        _ statement: Statement, deadline: MonotonicInstant? = nil
    ) async throws(PostgresError) -> Rows {
        try await run(deadline: deadline) { session, limits throws(PostgresError) in
            try session.pipeline(prefix: [], [statement], commits: false, limits: limits)[0]
        }
    }

    /// Runs statements as one transaction in one round trip.
    package func batch(
        _ statements: [Statement], options: TransactionOptions = TransactionOptions(),
        deadline: MonotonicInstant? = nil
    ) async throws(PostgresError) -> [Rows] {
        try await run(deadline: deadline) { session, limits throws(PostgresError) in
            do throws(PostgresError) {
                return try session.pipeline(prefix: options.commands, statements, commits: true, limits: limits)
            } catch {
                session.rollBack()
                throw error
            }
        }
    }

    /// Runs `body` on the connection's own thread, in a transaction that it may commit with its last statements.
    ///
    /// - Throws: `PostgresError`, or what `body` throws, after a rollback.
    package func transaction<Value: Sendable>(
        options: TransactionOptions = TransactionOptions(), deadline: MonotonicInstant? = nil,
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        let result = try await run(deadline: deadline) { session, limits in
            let transaction = Transaction(session: session, options: options, limits: limits)
            do {
                let value = try body(transaction)
                if !transaction.isCommitted { try transaction.commit() }
                return Result<Value, any Error>.success(value)
            } catch {
                if !transaction.isCommitted { session.rollBack() }
                return Result<Value, any Error>.failure(error)
            }
        }
        return try result.get()
    }

    /// Runs `body` alone on a connection, outside any transaction, for as long as it takes.
    ///
    /// The breaker is asked with a question of its own: work that may wait for minutes must not hold a probe's place.
    func withSession<Value: Sendable>(
        deadline: MonotonicInstant, _ body: @escaping @Sendable (LibpqSession) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        if breaker != nil {
            let patience = time.now.advanced(by: configuration.statementTimeout)
            _ = try await query(Statement("SELECT 1"), deadline: min(deadline, patience))
        }
        return try await perform(deadline: deadline) { session, _ throws(PostgresError) in
            try body(session)
        }.result.get()
    }

    /// How work ended, and what that says about the server.
    private struct Ending<Value: Sendable>: Sendable {
        var result: Result<Value, PostgresError>
        var health: CallOutcome
    }

    private func run<Value: Sendable>(
        deadline: MonotonicInstant?,
        _ work: @escaping @Sendable (LibpqSession, LibpqSession.Limits) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        guard let ended = watch?() else { return try await runUnwatched(deadline: deadline, work) }
        do throws(PostgresError) {
            let value = try await runUnwatched(deadline: deadline, work)
            ended(nil)
            return value
        } catch {
            ended(error)
            throw error
        }
    }

    private func runUnwatched<Value: Sendable>(
        deadline: MonotonicInstant?,
        _ work: @escaping @Sendable (LibpqSession, LibpqSession.Limits) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        let now = time.now
        let deadline = deadline ?? now.advanced(by: configuration.statementTimeout)
        guard deadline > now else { throw .deadlineExceeded(commitUnknown: false) }
        guard let breaker else { return try await perform(deadline: deadline, work).result.get() }
        switch breaker.admit() {
        case .rejected(let rejection):
            throw .circuitOpen(rejection)
        case .permitted(let permit):
            let ending = await perform(deadline: deadline, work)
            permit.finish(ending.health)
            return try ending.result.get()
        }
    }

    private func perform<Value: Sendable>(
        deadline: MonotonicInstant,
        _ work: @escaping @Sendable (LibpqSession, LibpqSession.Limits) throws(PostgresError) -> Value
    ) async -> Ending<Value> {
        let connection: ConnectionThread
        switch await acquire(deadline: deadline) {
        case .connection(let acquired): connection = acquired
        case .refused(let error, let health): return Ending(result: .failure(error), health: health)
        }
        let isCancelled = CancellationFlag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let limits = LibpqSession.Limits(deadline: deadline, isCancelled: { isCancelled.isSet })
                connection.submit(within: limits) { context in
                    let result: Result<Value, PostgresError>
                    var health = context.health
                    var isUsable = true
                    if let session = context.session {
                        result = Result { () throws(PostgresError) in
                            if isCancelled.isSet { throw .cancelled(commitUnknown: false) }
                            return try work(session, limits)
                        }
                        isUsable = !session.isBroken
                        health = session.health
                        self.noteConnected()
                    } else {
                        let failure = context.failure ?? .cannotConnect(detail: "no session")
                        // A caller in a hurry says nothing about the server.
                        if case .cannotConnect = failure { self.noteConnectFailure(failure) }
                        result = .failure(failure)
                        isUsable = false
                    }
                    self.release(connection, isUsable: isUsable && !connection.isExpired)
                    continuation.resume(returning: Ending(result: result, health: health))
                }
            }
        } onCancel: {
            isCancelled.set()
            connection.wake()
        }
    }

    // MARK: Connections

    private enum Acquired {
        case connection(ConnectionThread)
        /// Nothing was sent; the outcome is what that says about the server.
        case refused(PostgresError, CallOutcome)
    }

    private func acquire(deadline: MonotonicInstant) async -> Acquired {
        if bulkhead.take() { return connection(obeysBackoff: true) }
        if let failure = state.withLock({ reasonNotToConnect($0) }) { return .refused(failure, .neutral) }
        let began = time.now
        if let rejection = await bulkhead.takeLater(until: deadline) { return refused(rejection, since: began) }
        return connection(obeysBackoff: false)
    }

    /// A connection for who has a place.
    private func connection(obeysBackoff: Bool) -> Acquired {
        let acquired = state.withLock { state -> Result<ConnectionThread?, PostgresError> in
            if obeysBackoff, let failure = reasonNotToConnect(state) { return .failure(failure) }
            switch state.pool.acquire() {
            case .connection(let connection): return .success(connection)
            case .makeConnection: return .success(nil)
            case .closed: return .failure(.closed)
            }
        }
        switch acquired {
        case .success(let connection):
            return .connection(connection ?? makeConnection())
        case .failure(let error):
            bulkhead.giveBack()
            // Nobody has asked the server.
            return .refused(error, .neutral)
        }
    }

    /// After a failed connect the next one waits: a server that is away is not asked at every request.
    private func reasonNotToConnect(_ state: borrowing State) -> PostgresError? {
        guard state.pool.idle.isEmpty, let failure = state.lastConnectFailure, time.now < state.noConnectBefore
        else { return nil }
        return failure
    }

    /// What it means not to get a place.
    private func refused(_ rejection: Rejection, since began: MonotonicInstant) -> Acquired {
        switch rejection {
        case .bulkheadFull:
            return .refused(.poolExhausted(waited: .zero), .neutral)
        case .waitedTooLong(_, let waited):
            return .refused(.poolExhausted(waited: waited), hangs(since: began) ? .failure : .neutral)
        case .cancelled where Task.isCancelled:
            return .refused(.cancelled(commitUnknown: false), .neutral)
        case .cancelled where state.withLock({ $0.pool.isClosed }):
            return .refused(.closed, .neutral)
        case .cancelled:
            // Dismissed, because the server hangs.
            return .refused(.poolExhausted(waited: began.duration(to: time.now)), .failure)
        default:
            return .refused(.deadlineExceeded(commitUnknown: false), .neutral)
        }
    }

    private func makeConnection() -> ConnectionThread {
        let tenth = configuration.maximumLifetime / 10
        return ConnectionThread(
            configuration, lifetime: configuration.maximumLifetime - random.nextDuration(upTo: tenth), pulse: pulse,
            time: time
        ) { [weak self] isConnecting in
            self?.state.withLock { $0.connecting += isConnecting ? 1 : -1 }
        }
    }

    private func release(_ connection: ConnectionThread, isUsable: Bool) {
        switch state.withLock({ $0.pool.release(connection, isUsable: isUsable) }) {
        case .idle: break
        case .close: connection.close()
        }
        // Only now: whoever has the place next finds the connection.
        bulkhead.giveBack()
    }

    private func noteConnected() {
        state.withLock { state in
            state.failures = 0
            state.lastConnectFailure = nil
        }
    }

    private func noteConnectFailure(_ error: PostgresError) {
        state.withLock { state in
            let limit = min(
                configuration.minimumBackoff * (1 << min(state.failures, 16)), configuration.maximumBackoff)
            state.failures += 1
            state.lastConnectFailure = error
            state.noConnectBefore = time.now.advanced(by: limit / 2 + random.nextDuration(upTo: limit / 2))
        }
    }
}

/// Says across threads that a task was cancelled.
private final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}

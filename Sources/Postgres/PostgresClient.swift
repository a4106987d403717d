import Clocks
import Synchronization

/// A database: a bounded pool of connections, each with a thread of its own.
///
/// Every call has a deadline, obeys cancellation by cancelling the running statement, and when a connection breaks says whether
/// a commit may have happened.
package final class PostgresClient: Sendable {
    private typealias Lease = Result<ConnectionThread, PostgresError>

    private struct State {
        var pool: PoolState<ConnectionThread>
        var continuations: [UInt64: CheckedContinuation<Lease, Never>] = [:]
        /// Connections handed to waiters that had not begun to wait yet.
        var servedEarly: [UInt64: ConnectionThread] = [:]
        var nextWaiter: UInt64 = 0
        var connecting = 0
        var failures = 0
        var noConnectBefore = MonotonicInstant(nanoseconds: 0)
        var lastConnectFailure: PostgresError?
    }

    private let configuration: PostgresConfiguration
    private let time: any TimeSource
    private let random: any RandomSource
    private let state: Mutex<State>

    package init(configuration: PostgresConfiguration, time: any TimeSource, random: any RandomSource) {
        self.configuration = configuration
        self.time = time
        self.random = random
        state = Mutex(
            State(
                pool: PoolState(
                    maximum: configuration.maximumConnections, queueLimit: configuration.queueLimit)))
    }

    package var statistics: PoolStatistics {
        state.withLock { state in
            PoolStatistics(
                idle: state.pool.idle.count, busy: state.pool.busy - state.connecting, connecting: state.connecting,
                waiting: state.pool.waiters.count, maximum: configuration.maximumConnections,
                lastConnectFailure: state.lastConnectFailure?.description)
        }
    }

    /// Closes the pool: idle connections end now, busy ones after their work, and nothing new is begun.
    package func close() {
        let (connections, refused) = state.withLock { state in
            let (connections, waiters) = state.pool.close()
            return (connections, waiters.compactMap { state.continuations.removeValue(forKey: $0) })
        }
        for connection in connections { connection.close() }
        for continuation in refused { continuation.resume(returning: .failure(.closed)) }
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

    /// Runs `body` alone on a connection, outside any transaction.
    func withSession<Value: Sendable>(
        deadline: MonotonicInstant?, _ body: @escaping @Sendable (LibpqSession) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        try await run(deadline: deadline) { session, _ throws(PostgresError) in try body(session) }
    }

    private func run<Value: Sendable>(
        deadline: MonotonicInstant?,
        _ work: @escaping @Sendable (LibpqSession, LibpqSession.Limits) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        let now = time.now
        let deadline = deadline ?? now.advanced(by: configuration.statementTimeout)
        guard deadline > now else { throw .deadlineExceeded(commitUnknown: false) }
        let connection = try await acquire(deadline: deadline)
        let isCancelled = CancellationFlag()
        let outcome: Result<Value, PostgresError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let limits = LibpqSession.Limits(deadline: deadline, isCancelled: { isCancelled.isSet })
                connection.submit(within: limits) { context in
                    let result: Result<Value, PostgresError>
                    var isUsable = true
                    if let session = context.session {
                        result = Result { () throws(PostgresError) in
                            if isCancelled.isSet { throw .cancelled(commitUnknown: false) }
                            return try work(session, limits)
                        }
                        isUsable = !session.isBroken
                        self.noteConnected()
                    } else {
                        let failure = context.failure ?? .cannotConnect(detail: "no session")
                        // A caller in a hurry says nothing about the server.
                        if case .cannotConnect = failure { self.noteConnectFailure(failure) }
                        result = .failure(failure)
                        isUsable = false
                    }
                    self.release(connection, isUsable: isUsable && !connection.isExpired)
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            isCancelled.set()
            connection.wake()
        }
        return try outcome.get()
    }

    // MARK: Connections

    private func acquire(deadline: MonotonicInstant) async throws(PostgresError) -> ConnectionThread {
        let (waiter, acquired) = try state.withLock { state throws(PostgresError) in
            // After a failed connect the next one waits: a server that is away is not asked at every request.
            if state.pool.idle.isEmpty, let failure = state.lastConnectFailure, time.now < state.noConnectBefore {
                throw failure
            }
            state.nextWaiter += 1
            return (state.nextWaiter, state.pool.acquire(state.nextWaiter))
        }
        switch acquired {
        case .connection(let connection): return connection
        case .makeConnection: return makeConnection()
        case .full: throw .poolExhausted(waited: .zero)
        case .closed: throw .closed
        case .wait: return try await wait(waiter, until: deadline)
        }
    }

    private func wait(_ waiter: UInt64, until deadline: MonotonicInstant) async throws(PostgresError)
        -> ConnectionThread
    {
        let start = time.now
        let patience = min(deadline, start.advanced(by: configuration.acquireTimeout))
        let lease = await withTaskGroup(of: Void.self, returning: Lease.self) { group in
            // Ends the wait at its deadline; the race is run only by callers who have to queue.
            group.addTask {
                guard (try? await self.time.sleep(until: patience)) != nil else { return }
                self.giveUp(waiter, .poolExhausted(waited: start.duration(to: self.time.now)))
            }
            defer { group.cancelAll() }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let early = self.state.withLock { state -> Lease? in
                        // Closed or cancelled between queueing and waiting.
                        if Task.isCancelled, state.pool.abandon(waiter) {
                            return .failure(.cancelled(commitUnknown: false))
                        }
                        if state.pool.isClosed { return .failure(.closed) }
                        if let served = state.servedEarly.removeValue(forKey: waiter) { return .success(served) }
                        state.continuations[waiter] = continuation
                        return nil
                    }
                    if let early { continuation.resume(returning: early) }
                }
            } onCancel: {
                self.giveUp(waiter, .cancelled(commitUnknown: false))
            }
        }
        return try lease.get()
    }

    private func giveUp(_ waiter: UInt64, _ error: PostgresError) {
        let continuation = state.withLock { state in
            state.pool.abandon(waiter) ? state.continuations.removeValue(forKey: waiter) : nil
        }
        continuation?.resume(returning: .failure(error))
    }

    private func makeConnection() -> ConnectionThread {
        let tenth = configuration.maximumLifetime / 10
        return ConnectionThread(
            configuration, lifetime: configuration.maximumLifetime - random.nextDuration(upTo: tenth), time: time
        ) { [weak self] isConnecting in
            self?.state.withLock { $0.connecting += isConnecting ? 1 : -1 }
        }
    }

    private func release(_ connection: ConnectionThread, isUsable: Bool) {
        let released = state.withLock { $0.pool.release(connection, isUsable: isUsable) }
        switch released {
        case .idle: break
        case .close: connection.close()
        case .handTo(let waiter): serve(waiter, connection)
        case .replaceFor(let waiter):
            connection.close()
            serve(waiter, makeConnection())
        }
    }

    private func serve(_ waiter: UInt64, _ connection: ConnectionThread) {
        let continuation = state.withLock { state in
            let continuation = state.continuations.removeValue(forKey: waiter)
            if continuation == nil { state.servedEarly[waiter] = connection }
            return continuation
        }
        continuation?.resume(returning: .success(connection))
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

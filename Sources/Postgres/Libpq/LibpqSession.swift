import CLibpq
import CLinux
import Clocks
import Glibc
import Resilience

/// One connection to the server, used by one thread only.
///
/// Every wait is a `poll` on the socket and on a wake-up descriptor, bounded by the work's deadline: whatever the server
/// does, the thread comes back. On a deadline or a cancellation the server is asked to cancel; if it does not answer
/// within the grace, the connection is given up.
final class LibpqSession {
    private let connection: OpaquePointer
    private let wakeUp: Int32
    private let time: any TimeSource
    private let pulse: Pulse?
    private var prepared: [String: String] = [:]
    private var preparedCount = 0
    private(set) var isBroken = false
    /// Whether a BEGIN was sent whose transaction has not ended.
    private(set) var isInTransaction = false
    /// What the job under way says about the server: it answered, it is gone or silent, or nobody can say yet.
    var health = CallOutcome.neutral

    private static let preparedLimit = 500
    private static let cancelGrace = Duration.seconds(1)

    /// Why a wait ends early.
    enum Interruption {
        case deadline, cancelled
    }

    /// What a piece of work may use: its deadline, and whether its task was cancelled.
    struct Limits: Sendable {
        var deadline: MonotonicInstant
        var isCancelled: @Sendable () -> Bool
    }

    /// Connects, within the limits and the connect timeout; only looking up a host name is not bounded by them.
    ///
    /// - Parameter pulse: told whenever the server has answered.
    init(
        _ configuration: PostgresConfiguration, wakeUp: Int32, pulse: Pulse? = nil, time: any TimeSource,
        limits: Limits
    ) throws(PostgresError) {
        let pairs = configuration.connectionParameters
        var keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.0)) } + [nil]
        var values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.1)) } + [nil]
        defer {
            for pointer in keywords + values { free(UnsafeMutableRawPointer(mutating: pointer)) }
        }
        guard let connection = PQconnectStartParams(&keywords, &values, 0) else {
            throw .cannotConnect(detail: "out of memory")
        }
        self.connection = connection
        self.wakeUp = wakeUp
        self.pulse = pulse
        self.time = time
        // From here on `deinit` ends the connection, also when what follows throws.
        try finishConnecting(timeout: configuration.connectTimeout, limits: limits)
        PQsetNoticeReceiver(connection, { _, _ in }, nil)
        // libpq sends without a time limit otherwise, and would wait in PQfinish too.
        guard PQsetnonblocking(connection, 1) == 0 else { throw .cannotConnect(detail: Self.message(connection)) }
    }

    private func finishConnecting(timeout: Duration, limits: Limits) throws(PostgresError) {
        let timesOut = time.now.advanced(by: timeout)
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard PQstatus(connection) != CONNECTION_BAD, next != PGRES_POLLING_FAILED else {
                throw .cannotConnect(detail: Self.message(connection))
            }
            let isReady = wait(until: min(timesOut, limits.deadline), sending: next == PGRES_POLLING_WRITING)
            if isReady {
                next = PQconnectPoll(connection)
            } else if limits.isCancelled() {
                throw .cancelled(commitUnknown: false)
            } else if time.now >= limits.deadline {
                throw .deadlineExceeded(commitUnknown: false)
            } else if time.now >= timesOut {
                throw .cannotConnect(detail: "no answer within \(timeout)")
            }
        }
    }

    deinit {
        PQfinish(connection)
    }

    private static func message(_ connection: OpaquePointer) -> String {
        let text = String(cString: PQerrorMessage(connection))
        return String(text.split(separator: "\n").joined(separator: "; "))
    }

    /// Whether the connection can be used: an idle one that the server closed is readable.
    func isHealthy() -> Bool {
        guard !isBroken, !isInTransaction, PQstatus(connection) == CONNECTION_OK else { return false }
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        // Nobody asked for anything: what has arrived is a farewell.
        return poll(&descriptor, 1, 0) == 0
    }

    // MARK: Work

    /// Runs statements in one round trip.
    ///
    /// - Parameters:
    ///   - prefix: commands without parameters sent first, such as `BEGIN`.
    ///   - commits: whether a COMMIT follows.
    func pipeline(
        prefix: [String], _ statements: [Statement], commits: Bool, limits: Limits
    ) throws(PostgresError) -> [Rows] {
        guard !isBroken else { throw .connectionLost(detail: "the connection is broken", commitUnknown: false) }
        if prefix.first?.hasPrefix("BEGIN") == true { isInTransaction = true }
        let mayCommit = commits || !isInTransaction
        forgetStatementsIfMany()
        guard PQenterPipelineMode(connection) == 1 else { throw lost(commitUnknown: false) }
        var expected: [Expectation] = []
        var preparing: [String] = []
        for command in prefix { try send(Statement(command), as: .command, &expected, &preparing) }
        for statement in statements { try send(statement, as: .rows, &expected, &preparing) }
        if commits { try send(Statement("COMMIT"), as: .commit, &expected, &preparing) }
        guard PQpipelineSync(connection) == 1 else { throw lost(commitUnknown: mayCommit) }
        return try collect(expected, preparing: preparing, mayCommit: mayCommit, limits: limits)
    }

    private enum Expectation {
        case command, prepare, rows, commit
    }

    private func send(
        _ statement: Statement, as expectation: Expectation, _ expected: inout [Expectation],
        _ preparing: inout [String]
    ) throws(PostgresError) {
        let name: String
        if let known = prepared[statement.sql] {
            name = known
        } else {
            preparedCount += 1
            name = "s\(preparedCount)"
            guard PQsendPrepare(connection, name, statement.sql, 0, nil) == 1 else {
                throw lost(commitUnknown: false)
            }
            prepared[statement.sql] = name
            preparing.append(statement.sql)
            expected.append(.prepare)
        }
        guard Self.sendQuery(connection, name, statement.parameters) else { throw lost(commitUnknown: false) }
        expected.append(expectation)
    }

    private static func sendQuery(_ connection: OpaquePointer, _ name: String, _ parameters: [Parameter]) -> Bool {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 * parameters.count)
        var ranges: [Range<Int>?] = []
        for parameter in parameters {
            let start = bytes.count
            ranges.append(parameter.append(to: &bytes) ? start..<bytes.count : nil)
        }
        // libpq wants a pointer for an empty value too; only NULL has none.
        bytes.append(0)
        let lengths = ranges.map { Int32($0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        return bytes.withUnsafeBytes { buffer in
            let values = ranges.map { range in
                range.map { buffer.baseAddress!.advanced(by: $0.lowerBound).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryPrepared(connection, name, Int32(parameters.count), values, lengths, formats, 1) == 1
        }
    }

    /// Reads the answers of one pipeline, to its end.
    private func collect(
        _ expected: [Expectation], preparing: [String], mayCommit: Bool, limits: Limits
    ) throws(PostgresError) -> [Rows] {
        var rows: [Rows] = []
        var failure: PostgresError?
        var isCommitAnswered = false
        var interruption: Interruption?
        var graceEnds: MonotonicInstant?
        var position = 0
        while true {
            let result: LibpqResult
            do throws(Ending) {
                guard let next = try nextResult(limits: limits, interruption: &interruption, graceEnds: &graceEnds)
                else { continue }
                result = next
            } catch {
                throw ended(interruption, commitUnknown: mayCommit && !isCommitAnswered && failure == nil)
            }
            if result.status == PGRES_PIPELINE_SYNC { break }
            let expectation = position < expected.count ? expected[position] : .command
            position += 1
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                if expectation == .rows { rows.append(Rows(result: result)) }
                if expectation == .commit {
                    isCommitAnswered = true
                    // COMMIT of a failed transaction succeeds with the tag ROLLBACK.
                    if result.commandTag != "COMMIT", failure == nil {
                        failure = .server(.init(sqlState: "25P02", message: "the transaction was rolled back"))
                    }
                }
            case PGRES_PIPELINE_ABORTED: break
            default:
                guard let refusal = result.serverError else {
                    // Not the server's words but libpq's: it lost the server, or no longer understands it.
                    throw ended(interruption, commitUnknown: mayCommit && !isCommitAnswered && failure == nil)
                }
                if failure == nil { failure = .server(refusal) }
            }
        }
        PQexitPipelineMode(connection)
        pulse?.beat(at: time.now)
        return try conclude(rows, failure, interruption, preparing: preparing)
    }

    /// What becomes of work whose answers stopped coming.
    private func ended(_ interruption: Interruption?, commitUnknown: Bool) -> PostgresError {
        isBroken = true
        // Also after an interruption: the server did not even answer that it was asked to cancel.
        health = .failure
        return switch interruption {
        case .deadline: .deadlineExceeded(commitUnknown: commitUnknown)
        case .cancelled: .cancelled(commitUnknown: commitUnknown)
        case nil: lost(commitUnknown: commitUnknown)
        }
    }

    private func conclude(
        _ rows: [Rows], _ failure: PostgresError?, _ interruption: Interruption?, preparing: [String]
    ) throws(PostgresError) -> [Rows] {
        isInTransaction = PQtransactionStatus(connection) != PQTRANS_IDLE
        // A cancel may still be on its way: it must not meet the next work on this connection.
        if interruption != nil { isBroken = true }
        note(failure, wasInterrupted: interruption != nil)
        guard let failure else { return rows }
        for sql in preparing { prepared[sql] = nil }
        if failure.sqlState == "26000" || failure.sqlState == "0A000" { prepared = [:] }
        switch (interruption, failure.sqlState) {
        case (.deadline, "57014"): throw .deadlineExceeded(commitUnknown: false)
        case (.cancelled, "57014"): throw .cancelled(commitUnknown: false)
        default: break
        }
        if PQstatus(connection) != CONNECTION_OK { isBroken = true }
        throw failure
    }

    private struct Ending: Error {}

    /// The next result, or nil between the answers of two statements.
    private func nextResult(
        limits: Limits, interruption: inout Interruption?, graceEnds: inout MonotonicInstant?
    ) throws(Ending) -> LibpqResult? {
        while true {
            let isSending = PQflush(connection) == 1
            guard isSending || PQisBusy(connection) == 1 else { break }
            let until = graceEnds ?? limits.deadline
            // Reading while sending: a server that cannot get rid of its answers would stop to read.
            if wait(until: until, sending: isSending) {
                guard PQconsumeInput(connection) == 1 else { throw Ending() }
                continue
            }
            if let ends = graceEnds {
                if time.now >= ends { throw Ending() }
                continue
            }
            if limits.isCancelled() {
                interruption = .cancelled
            } else if time.now >= limits.deadline {
                interruption = .deadline
            } else {
                continue
            }
            graceEnds = time.now.advanced(by: Self.cancelGrace)
            askToCancel()
        }
        guard let pointer = PQgetResult(connection) else {
            if PQstatus(connection) != CONNECTION_OK { throw Ending() }
            return nil
        }
        return LibpqResult(pointer)
    }

    /// Waits for the socket to be readable, or writable when `sending`; false at `deadline` or when woken up.
    private func wait(until deadline: MonotonicInstant, sending: Bool = false) -> Bool {
        let remaining = time.now.duration(to: deadline)
        let milliseconds = Int32(clamping: max(0, remaining.wholeMilliseconds + (remaining > .zero ? 1 : 0)))
        var descriptors = [
            pollfd(fd: PQsocket(connection), events: Int16(sending ? POLLIN | POLLOUT : POLLIN), revents: 0),
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&descriptors, 2, milliseconds)
        if descriptors[1].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, 8)
        }
        return descriptors[0].revents != 0
    }

    /// Asks on a connection of its own, which has no time limit in libpq: on a thread that nobody waits for.
    private func askToCancel() {
        guard let cancel = PQgetCancel(connection) else { return }
        guard CancelThreads.begin() else { return PQfreeCancel(cancel) }
        // A PGcancel is a copy of what is needed to cancel, used by that thread alone.
        let address = UInt(bitPattern: cancel)
        startThread {
            let cancel = OpaquePointer(bitPattern: address)
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                _ = PQcancel(cancel, buffer.baseAddress, 256)
            }
            PQfreeCancel(cancel)
            CancelThreads.end()
        }
    }

    private func lost(commitUnknown: Bool) -> PostgresError {
        isBroken = true
        health = .failure
        return .connectionLost(detail: Self.message(connection), commitUnknown: commitUnknown)
    }

    private func forgetStatementsIfMany() {
        guard prepared.count >= Self.preparedLimit, !isInTransaction else { return }
        if runShort("DEALLOCATE ALL") { prepared = [:] } else { isBroken = true }
    }

    /// Ends a transaction that failed or was given up.
    func rollBack() {
        guard isInTransaction, !isBroken else { return }
        let isDone = runShort("ROLLBACK")
        isInTransaction = PQtransactionStatus(connection) != PQTRANS_IDLE
        if !isDone || isInTransaction { isBroken = true }
    }

    /// Runs a command that the server answers at once, or not at all; false when it did not succeed in time.
    private func runShort(_ command: String) -> Bool {
        guard PQsendQuery(connection, command) == 1 else { return false }
        var interruption: Interruption?
        var graceEnds: MonotonicInstant? = time.now.advanced(by: Self.cancelGrace)
        let limits = Limits(deadline: .distantFuture, isCancelled: { false })
        var hasSucceeded = false
        do throws(Ending) {
            while let result = try nextResult(limits: limits, interruption: &interruption, graceEnds: &graceEnds) {
                hasSucceeded = result.status == PGRES_COMMAND_OK
            }
        } catch {
            return false
        }
        return hasSucceeded
    }

    /// Runs several statements by the simple protocol, for migrations.
    func script(_ sql: String) throws(PostgresError) {
        let result = LibpqResult(PQexec(connection, sql))
        isInTransaction = PQtransactionStatus(connection) != PQTRANS_IDLE
        guard result.status == PGRES_COMMAND_OK || result.status == PGRES_TUPLES_OK else {
            guard let error = result.serverError else { throw lost(commitUnknown: true) }
            throw .server(error)
        }
    }

    /// Waits for notifications and answers those that have come; none after the wait, or when woken up.
    func notifications(waiting duration: Duration) throws(PostgresError) -> [(channel: String, payload: String)] {
        var found: [(channel: String, payload: String)] = []
        _ = wait(until: time.now.advanced(by: duration))
        guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else {
            throw lost(commitUnknown: false)
        }
        while let notification = PQnotifies(connection) {
            found.append(
                (String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return found
    }
}

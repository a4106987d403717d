import CLinux
import Clocks
import Glibc
import Synchronization

/// A thread that owns one connection and does blocking work on it, one piece after the other.
///
/// It connects when there is work and no usable connection. Blocking calls of libpq never touch the cooperative pool.
final class ConnectionThread: Sendable {
    typealias Job = @Sendable (borrowing Context) -> Void

    /// What a job finds on the thread.
    struct Context: ~Copyable {
        let session: LibpqSession?
        let failure: PostgresError?
    }

    private struct State {
        var jobs: [(limits: LibpqSession.Limits, job: Job)] = []
        var isClosed = false
    }

    private let configuration: PostgresConfiguration
    private let time: any TimeSource
    private let expires: MonotonicInstant
    private let state = Mutex(State())
    private let work: Int32
    private let interrupt: Int32
    private let isConnecting: @Sendable (Bool) -> Void

    /// - Parameter isConnecting: told when connecting begins and ends, for statistics.
    init(
        _ configuration: PostgresConfiguration, lifetime: Duration, time: any TimeSource,
        isConnecting: @escaping @Sendable (Bool) -> Void
    ) {
        self.configuration = configuration
        self.time = time
        self.isConnecting = isConnecting
        expires = time.now.advanced(by: lifetime)
        work = eventfd(0, Int32(EFD_CLOEXEC))
        interrupt = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        startThread { self.run() }
    }

    deinit {
        Glibc.close(work)
        Glibc.close(interrupt)
    }

    var isExpired: Bool { time.now >= expires }

    /// Has the job run on the thread, with a usable session or the reason why there is none; making one obeys `limits`.
    func submit(within limits: LibpqSession.Limits, _ job: @escaping Job) {
        state.withLock { $0.jobs.append((limits, job)) }
        signal(work)
    }

    /// Wakes work that waits for the server, to look whether it was cancelled.
    func wake() {
        signal(interrupt)
    }

    /// Ends the thread after the jobs it has.
    func close() {
        state.withLock { $0.isClosed = true }
        signal(work)
    }

    private func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    private func run() {
        var session: LibpqSession?
        while true {
            var count: UInt64 = 0
            _ = read(work, &count, 8)
            while let (limits, job) = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
                if session?.isHealthy() != true { session = nil }
                var failure: PostgresError?
                if session == nil {
                    isConnecting(true)
                    do throws(PostgresError) {
                        session = try LibpqSession(configuration, wakeUp: interrupt, time: time, limits: limits)
                    } catch {
                        failure = error
                    }
                    isConnecting(false)
                }
                job(Context(session: session, failure: failure))
            }
            if state.withLock({ $0.isClosed && $0.jobs.isEmpty }) { return }
        }
    }
}

import CLinux
import Clocks
import Glibc
import Resilience
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
        /// What the failure says about the server.
        let health: CallOutcome
    }

    private struct State {
        var jobs: [(limits: LibpqSession.Limits, job: Job)] = []
        var isClosed = false
    }

    private let configuration: PostgresConfiguration
    private let pulse: Pulse
    private let time: any TimeSource
    private let expires: MonotonicInstant
    private let state = Mutex(State())
    private let work: Int32
    private let interrupt: Int32
    private let isConnecting: @Sendable (Bool) -> Void

    /// - Parameter isConnecting: told when connecting begins and ends, for statistics.
    init(
        _ configuration: PostgresConfiguration, lifetime: Duration, pulse: Pulse, time: any TimeSource,
        isConnecting: @escaping @Sendable (Bool) -> Void
    ) {
        self.configuration = configuration
        self.pulse = pulse
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
                var health = CallOutcome.neutral
                if session == nil {
                    let began = time.now
                    isConnecting(true)
                    do throws(PostgresError) {
                        session = try LibpqSession(
                            configuration, wakeUp: interrupt, pulse: pulse, time: time, limits: limits)
                    } catch {
                        failure = error
                        health = LibpqSession.health(connectFailed: error, after: began.duration(to: time.now))
                    }
                    isConnecting(false)
                }
                session?.beginJob()
                job(Context(session: session, failure: failure, health: health))
            }
            if state.withLock({ $0.isClosed && $0.jobs.isEmpty }) { return }
        }
    }
}

import Clocks
import Synchronization

/// Holds a session-level advisory lock for as long as this process lives: proof of life for others.
///
/// The lock is on a connection of its own and ends with it, by death and not by time. When the connection breaks, a new
/// one is made and the lock taken again.
package final class AdvisorySession: Sendable {
    private let key: Int64
    private let client: PostgresClient
    private let time: any TimeSource
    private let checkInterval: Duration
    private let held = Mutex(false)

    /// - Parameter checkInterval: how often the connection is looked at.
    package init(
        key: Int64, configuration: PostgresConfiguration, checkInterval: Duration = .seconds(5),
        time: any TimeSource, random: any RandomSource
    ) {
        self.key = key
        self.time = time
        self.checkInterval = checkInterval
        var own = configuration
        own.maximumConnections = 1
        own.maximumLifetime = .seconds(1_000_000_000)
        own.applicationName += "-liveness"
        client = PostgresClient(configuration: own, time: time, random: random)
    }

    /// Whether the lock was held when last looked at.
    package var isHeld: Bool { held.withLock { $0 } }

    /// Takes the lock, or finds that the session has it already.
    ///
    /// - Throws: `PostgresError`; also when another session holds the lock.
    package func acquire() async throws(PostgresError) {
        do {
            // The session may have it already; a second acquisition would only count up.
            let statement = Statement(
                """
                SELECT CASE WHEN EXISTS (
                    SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 1
                        AND classid = (($1::bigint >> 32) & 4294967295)::oid
                        AND objid = ($1::bigint & 4294967295)::oid)
                THEN true ELSE pg_try_advisory_lock($1::bigint) END
                """, [.int8(key)])
            let rows = try await client.query(statement, deadline: time.now.advanced(by: .seconds(5)))
            let isOurs = try rows[0].bool(0)
            held.withLock { $0 = isOurs }
        } catch {
            held.withLock { $0 = false }
            throw error
        }
    }

    /// Keeps the lock until cancelled, then gives it back.
    package func run() async {
        while !Task.isCancelled {
            let isHeld = (try? await acquire()) != nil
            let wait = isHeld ? checkInterval : .milliseconds(200)
            guard (try? await time.sleep(for: wait)) != nil else { break }
        }
        held.withLock { $0 = false }
        client.close()
    }
}

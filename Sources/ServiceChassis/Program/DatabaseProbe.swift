import Clocks
import Postgres
import Resilience
import Telemetry

/// Asks the database regularly whether it is there: for health, for metrics, and to find out that it is back.
///
/// While the circuit is open nothing reaches the database, so somebody has to make the call that closes it again also
/// where nobody else has work: as soon as the open time is over the probe asks, so a database that is back is in use
/// again about a second later.
struct DatabaseProbe: Sendable {
    private static let interval = Duration.milliseconds(1500)
    /// How long until the next look while the circuit is not closed, at least and at most.
    private static let pauseWhileAway = Duration.milliseconds(50)...Duration.seconds(1)

    let client: PostgresClient
    let breaker: CircuitBreaker
    let metrics: StandardMetrics
    let time: any TimeSource
    let logger: Logger

    /// - Throws: why the database cannot be used; not for connections that are all at work while statements are still
    ///   answered: taking a busy service out of rotation would only move its load to the others.
    func ask() async throws(PostgresError) {
        let began = time.now
        // Long enough to tell a database that hangs from connections that are all at work.
        let deadline = began.advanced(by: client.silenceLimit + .milliseconds(10))
        do throws(PostgresError) {
            _ = try await client.query(Statement("SELECT 1"), deadline: deadline)
            metrics.setDependency("database", isHealthy: true)
        } catch {
            if case .poolExhausted = error {
                // With the queue full there was no wait: it is made up for, because others judge only much later.
                try? await time.sleep(until: deadline)
                guard client.hangs(since: began) else { return }
            }
            metrics.setDependency("database", isHealthy: false)
            throw error
        }
    }

    /// Asks until cancelled.
    func run() async {
        repeat {
            do throws(PostgresError) { try await ask() } catch {
                logger.debug("the database does not answer", ["error": .error(error)])
            }
        } while (try? await time.sleep(for: pause)) != nil
    }

    private var pause: Duration {
        guard breaker.state.refuses else { return Self.interval }
        let rest = breaker.openUntil.map { time.now.duration(to: $0) } ?? .zero
        return min(max(rest, Self.pauseWhileAway.lowerBound), Self.pauseWhileAway.upperBound)
    }
}

import Clocks
import Resilience

/// What work on a connection says about the server, for the circuit breaker in front of it.
///
/// A server that answers works, whatever it answers: a refused statement is the statement's fault. One that is gone, shuts
/// down, or stays silent does not work. Work that was given up and whose end the server confirmed says nothing: it
/// may have been too much for its deadline.
extension LibpqSession {
    /// Connecting that took this long without success met a server that is silent, whoever gave it up.
    private static let silence = Duration.milliseconds(500)

    /// The server is shutting down, crashed, or is starting: it will be gone with the next word.
    private static let farewells: Set<String> = ["57P01", "57P02", "57P03"]

    /// A new job begins: what the one before said about the server is forgotten.
    func beginJob() {
        health = .neutral
    }

    /// Takes in the end of a pipeline whose answers all came.
    func note(_ failure: PostgresError?, wasInterrupted: Bool) {
        guard health != .failure else { return }
        if let state = failure?.sqlState, Self.farewells.contains(state) {
            health = .failure
        } else {
            health = wasInterrupted ? .neutral : .success
        }
    }

    /// What it says that a connection could not be made in `elapsed`.
    static func health(connectFailed error: PostgresError, after elapsed: Duration) -> CallOutcome {
        switch error {
        case .cannotConnect: .failure
        default: elapsed >= silence ? .failure : .neutral
        }
    }
}

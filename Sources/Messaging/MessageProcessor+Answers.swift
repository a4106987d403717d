import Clocks
import Postgres

extension MessageProcessor {
    /// Handles messages that came by another way than Kafka, with the same handler and the same inbox, and answers the
    /// replies that there are now; a message without one was taken, and its reply comes later by the outbox.
    ///
    /// One transaction for messages of one topic; what waits behind a parked message of its order is parked with it. Tried again only where another process was faster: whoever sent the messages sends them again. The
    /// replies go by the outbox too, so that none is lost with the answer.
    ///
    /// - Throws: what made the transaction fail; nothing was done, or by ``PostgresError/isCommitUnknown`` all of it.
    package func answer(_ messages: [IncomingMessage]) async throws -> [UUID: OutgoingMessage] {
        let batch = messages.map { IncomingRecord.message($0) }
        let expired = expired(in: batch)
        for _ in 0..<configuration.conflicts {
            do {
                return try await attempt(batch, expired)
            } catch let error as PostgresError where error.isUniqueViolation {
                // The next look finds what the other one did.
                try await time.sleep(for: configuration.minimumBackoff)
            }
        }
        return try await attempt(batch, expired)
    }
}

import Clocks
import Contracts
import HTTPCodec
import Messaging
import Postgres

/// `POST /v1/commands`: the same commands as over Kafka, as CloudEvents over HTTP, through the same handler and inbox.
///
/// Commands that arrive while others are being written are written together, as those of a batch from Kafka are. An answer
/// says what a reply in Kafka would say, and the reply goes there too.
package struct CommandRoute: Sendable {
    /// One command and when nobody waits for its answer any more.
    private struct Entry: Sendable {
        var message: IncomingMessage
        var deadline: MonotonicInstant
    }

    /// Writes what is taken, until it is asked to stop; stands before the API.
    package let part: any Service
    private let reader: CommandReader
    private let commits: GroupCommit<Entry, OutgoingMessage?>

    package init(_ processor: MessageProcessor, topic: Topic, time: any TimeSource) {
        reader = CommandReader(topic)
        let commits = GroupCommit<Entry, OutgoingMessage?>(
            maximumBatch: 64, maximumWaiting: 2048, flushes: 3, isExpired: { $0.deadline <= time.now }
        ) { await Self.answer($0.map(\.message), processor) }
        self.commits = commits
        part = ClosureService.untilCancelled("command-intake") { await commits.run() }
    }

    package func add(to router: inout Router) {
        router.post("/v1/commands", access: .services, body: .cloudEvent, priority: .critical) { context in
            let message = try reader.read(context)
            return Self.response(try await carryOut(message, deadline: context.deadline))
        }
    }

    private func carryOut(
        _ message: IncomingMessage, deadline: MonotonicInstant
    ) async throws -> OutgoingMessage? {
        do {
            return try await commits.submit(Entry(message: message, deadline: deadline))
        } catch GroupCommit<Entry, OutgoingMessage?>.Rejection.expired {
            throw ProblemDetails(.deadlineExceeded, detail: "The deadline had passed before the command was begun.")
        } catch is GroupCommit<Entry, OutgoingMessage?>.Rejection {
            throw ProblemDetails(.overloaded, detail: "Too many commands wait to be carried out.")
        }
    }

    /// One transaction for all, or where that fails one for each: one command's trouble must not be its neighbours'.
    private static func answer(
        _ batch: [IncomingMessage], _ processor: MessageProcessor
    ) async -> [Result<OutgoingMessage?, any Error>] {
        do {
            let replies = try await processor.answer(batch)
            return batch.map { .success(replies[$0.envelope.id]) }
        } catch {
            guard batch.count > 1, isWorthSplitting(error) else { return batch.map { _ in .failure(error) } }
            var results: [Result<OutgoingMessage?, any Error>] = []
            for message in batch { results += await answer([message], processor) }
            return results
        }
    }

    /// Splitting helps when one of them is to blame; not when the database is away.
    private static func isWorthSplitting(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return !(error is CancellationError) }
        if case .server = error { return true }
        return false
    }

    /// 200 with the reply as an event, or 202 while there is none: ask again with the same event, or hear it from Kafka.
    private static func response(_ reply: OutgoingMessage?) -> HTTPResponse {
        guard let reply else { return HTTPResponse(status: .accepted, fields: ["Retry-After": "1"]) }
        return HTTPResponse(
            status: .ok, fields: reply.envelope.httpFields, body: .bytes(reply.envelope.payload))
    }
}

import Clocks
import Messaging
import Postgres
import Saga

/// What a service brings to run a saga: what its commands say, and what its local steps and its end change.
///
/// A saga has the id of what it is about.
package protocol SagaProcess: Sendable {
    /// What commands are made of.
    associatedtype Details: Sendable

    /// What new sagas follow.
    var definition: SagaDefinition { get }

    /// Earlier versions of it, which sagas under way may still follow.
    var earlierDefinitions: [SagaDefinition] { get }

    /// Reads the details of sagas; ``details(_:)`` reads the rows.
    func loadDetails(of sagas: [UUID]) -> Statement

    /// The saga and its details, from a row of ``loadDetails(of:)``.
    func details(_ row: Row) throws -> (saga: UUID, details: Details)

    /// The command of a step or of its compensation. Its id must be `id`: a repeat is recognised by it.
    func command(
        _ name: String, id: UUID, saga: UUID, _ details: Details, wantedFor: Duration?, trace: TraceHeaders?
    ) throws -> OutgoingMessage

    /// Who carries out the command of this name: whose retry budget pays for sending it again. Nil for none.
    func dependency(of command: String) -> String?

    /// Commands were answered at the first asking, after these times by the database's clock; after the commit, and must
    /// not block.
    func answered(_ waits: [(command: String, wait: Duration)])

    /// What a local step changes and says, for several sagas at once.
    func perform(_ step: String, for sagas: [UUID], now: Timestamp) -> SagaEffects

    /// What the end of sagas changes and says.
    func conclude(_ ended: [EndedSaga], now: Timestamp) -> SagaEffects
}

extension SagaProcess {
    package var earlierDefinitions: [SagaDefinition] { [] }

    package func dependency(of command: String) -> String? { nil }

    package func answered(_ waits: [(command: String, wait: Duration)]) {}

    /// The definition that a saga began with; nil when this process does not know it.
    package func definition(_ name: String, version: Int) -> SagaDefinition? {
        ([definition] + earlierDefinitions).first { $0.name == name && $0.version == version }
    }

    /// The versions whose sagas this process advances.
    package var knownVersions: [Int] { ([definition] + earlierDefinitions).map(\.version) }
}

/// A saga that has come to its end.
package struct EndedSaga: Sendable, Hashable {
    package var id: UUID
    package var outcome: SagaOutcome
    package var startedAt: Timestamp

    package init(id: UUID, outcome: SagaOutcome, startedAt: Timestamp) {
        self.id = id
        self.outcome = outcome
        self.startedAt = startedAt
    }
}

/// What a process adds to a transition, in the same transaction.
package struct SagaEffects: Sendable {
    package var writes: [Statement]
    package var outgoing: [OutgoingMessage]
    /// Run once committed: metrics, waking of waiters. Must not block.
    package var afterCommit: (@Sendable () -> Void)?

    package init(
        writes: [Statement] = [], outgoing: [OutgoingMessage] = [], afterCommit: (@Sendable () -> Void)? = nil
    ) {
        self.writes = writes
        self.outgoing = outgoing
        self.afterCommit = afterCommit
    }
}

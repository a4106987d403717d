import Clocks
import Contracts
import Postgres

/// The messages that wait in a service's database, over all its topics: which keys are due, and who tries them.
package struct ParkingLot: Sendable {
    private let processors: [String: MessageProcessor]
    private let topics: [String]
    private let unitOfWork: UnitOfWork
    private let lease: Duration
    private let time: any TimeSource

    /// - Parameter processors: who handles which topic; messages of other topics stay where they are.
    package init(_ processors: [Topic: MessageProcessor], unitOfWork: UnitOfWork, time: any TimeSource) {
        self.processors = Dictionary(uniqueKeysWithValues: processors.map { ($0.key.rawValue, $0.value) })
        topics = self.processors.keys.sorted()
        self.unitOfWork = unitOfWork
        lease = processors.values.map(\.configuration.lease).max() ?? .seconds(15)
        self.time = time
    }

    /// Claims up to `limit` keys that are due.
    package func claim(limit: Int) async throws -> [ParkedClaim] {
        let claim = ParkingStatements.claim(topics: topics, lease: lease, limit: limit)
        return try await unitOfWork.query(claim, deadline: deadline).map {
            ParkedClaim(topic: try $0.text(0), orderID: try $0.uuid(1), number: try $0.int8(2))
        }
    }

    /// Tries what waits of a claimed key.
    package func retry(_ claim: ParkedClaim) async {
        await processors[claim.topic]?.retry(claim)
    }

    /// How long until the nearest key is due; nil when none waits.
    package func untilNextDue() async throws -> Duration? {
        let next = ParkingStatements.nextDue(topics: topics)
        return try await unitOfWork.query(next, deadline: deadline).first.map { .seconds(try $0.double(0)) }
    }

    /// `(topic, count)` of the messages that wait.
    package static let censusByTopic = Statement(
        "SELECT topic, count(*) FROM parked_messages GROUP BY topic ORDER BY topic")

    private var deadline: MonotonicInstant { time.now.advanced(by: .seconds(5)) }
}

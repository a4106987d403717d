import Clocks
import HTTPClient
import HTTPCodec
import Invariants
import JSON
import LocalStack

/// Reads the books of the four services, and says whether they agree.
struct Books: Sendable {
    let stack: BenchStack
    let client: HTTPClient
    let time: any TimeSource

    /// Every saga that is under way has so long to come to its end, and what follows it too.
    private static let patience = Duration.seconds(40)

    /// Waits until nothing is under way.
    ///
    /// - Throws: ``BenchError`` with every promise that does not hold, or because the stack does not come to rest.
    func atRest() async throws(BenchError) -> Audits {
        var audits: Audits?
        let isAtRest = await Waiting.until(within: Self.patience, every: .milliseconds(100), time: time) {
            audits = await read()
            return audits?.isAtRest ?? false
        }
        guard let audits else { throw BenchError("the books cannot be read: a service does not answer GET /v1/audit") }
        guard isAtRest else {
            throw BenchError(
                "the stack is not at rest after \(Self.patience): orders \(audits.orders), sagas \(audits.sagas), "
                    + "outboxes \(audits.outboxPending)")
        }
        let violations = audits.violationsAtRest()
        guard violations.isEmpty else {
            throw BenchError("a promise is broken:\n    " + violations.map(\.description).joined(separator: "\n    "))
        }
        return audits
    }

    private func read() async -> Audits? {
        var audits = Audits()
        for service in ServiceName.allCases {
            guard let bodies = await pages(of: service) else { return nil }
            for body in bodies where (try? audits.add(body)) == nil { return nil }
        }
        return audits
    }

    private func pages(of service: ServiceName) async -> [[UInt8]]? {
        var bodies: [[UInt8]] = []
        var cursor: String?
        repeat {
            let query = cursor.map { "?limit=100&cursor=\($0)" } ?? ""
            let request = HTTPClientRequest(.get, url: stack.url(service) + "/v1/audit" + query, fields: HTTPFields())
            guard
                let response = try? await client.execute(request, deadline: time.now.advanced(by: .seconds(30))),
                response.status == .ok, bodies.count < 200
            else { return nil }
            bodies.append(response.body)
            cursor = (try? JSONDocument(parsing: response.body))?.root["nextCursor"]?.string
        } while cursor != nil
        return bodies
    }
}

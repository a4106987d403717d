import Clocks
import HTTPClient
import LocalStack
import TestSupport
import Testing

/// Services that start while no broker is there.
@Suite("Starting without a broker", .serialized, .timeLimit(.minutes(2)))
struct BrokerlessStartTests {
    private static let time = SystemTime()

    /// The service with a database and without a broker, until `body` has seen it.
    private func with(
        _ service: String, _ more: [String: String] = [:],
        _ body: (_ admin: Int, _ log: String, _ child: ChildProcess) async throws -> Void
    ) async throws {
        let admin = Ports.anyFree()
        let settings = ProcessTests.settings.merging(
            ["DATABASE_URL": try await TestPostgres.database().url, "ADMIN_PORT": String(admin)].merging(more) { $1 }
        ) { $1 }
        let (child, log) = try await ProcessTests.start(service, [], settings)
        do {
            try await body(admin, log, child)
        } catch {
            await child.stop(patience: .seconds(10))
            throw error
        }
        await child.stop(patience: .seconds(10))
    }

    private func ready(_ admin: Int) async throws -> Int? {
        let client = HTTPClient(time: Self.time)
        let answer = try? await client.execute(
            HTTPClientRequest(.get, url: "http://127.0.0.1:\(admin)/health/ready"),
            deadline: Self.time.now.advanced(by: .seconds(5)))
        await client.shutdown()
        return (answer?.status.code).map { Int($0) }
    }

    @Test("a service whose commands have another way is ready without one", arguments: ProcessTests.services)
    func fallback(service: String) async throws {
        // Somebody else may take the port before the service does; then it ends, and another one is tried.
        for _ in 0..<3 {
            var isReady = false
            try await with(service) { admin, _, child in
                while !isReady, child.ended == nil {
                    isReady = try await ready(admin) == 200
                    if !isReady { try await Self.time.sleep(for: .milliseconds(20)) }
                }
            }
            if isReady { return }
        }
        Issue.record("\(service) does not start without a broker")
    }

    @Test("order-service that knows Kafka alone waits for it")
    func kafkaAlone() async throws {
        try await with("order-service", ["COMMAND_CHANNEL": "kafka"]) { admin, log, _ in
            try await ProcessTests.wait(for: "\"to\":\"open\"", in: log)
            #expect(try await ready(admin) == 503)
        }
    }
}

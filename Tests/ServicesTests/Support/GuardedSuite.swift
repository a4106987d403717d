import Clocks
import HTTPClient
import HTTPCodec
import LocalStack
import TestSupport
import Testing

/// The four services as processes of their own with `AUTH=jwt`, a database each and an embedded broker.
struct GuardedSuite {
    static let secret = "a secret for tests alone, 32 bytes or more"
    static let time = SystemTime()

    private struct Program {
        var name: ServiceName
        var api: Int
        var admin: Int
        var child: ChildProcess
    }

    private let programs: [Program]
    private let client: HTTPClient

    /// Runs `body` with the suite ready for requests, and ends it afterwards.
    static func with(_ body: (GuardedSuite) async throws -> Void) async throws {
        let broker = try await TestBroker.start()
        var ports: [ServiceName: (api: Int, admin: Int)] = [:]
        for name in ServiceName.allCases { ports[name] = (Ports.anyFree(), Ports.anyFree()) }
        var programs: [Program] = []
        for name in ServiceName.allCases {
            let (api, admin) = try #require(ports[name])
            var environment = [
                "HOST": "127.0.0.1", "PORT": String(api), "ADMIN_PORT": String(admin), "LOG_FORMAT": "json",
                "DATABASE_URL": try await TestPostgres.database().url, "DATABASE_POOL_SIZE": "4",
                "KAFKA_BOOTSTRAP": broker.bootstrap,
            ].merging(settings) { $1 }
            for (setting, peer) in [
                ("INVENTORY_URL", ServiceName.inventory), ("PAYMENT_URL", .payment), ("SHIPPING_URL", .shipping),
            ] {
                environment[setting] = "http://127.0.0.1:\(try #require(ports[peer]).api)"
            }
            var launch = Launch(
                BuiltPrograms.path(name.rawValue), logFile: try await TestFolder.make(name.rawValue) + "/log")
            launch.environment = environment
            programs.append(Program(name: name, api: api, admin: admin, child: try await ChildProcess.start(launch)))
        }
        let suite = GuardedSuite(programs: programs, client: HTTPClient(time: time))
        do {
            try await suite.waitUntilReady()
            try await body(suite)
            await suite.stop(broker)
        } catch {
            await suite.stop(broker)
            throw error
        }
    }

    static let settings = [
        "AUTH": "jwt", "AUTH_SECRET": secret, "AUTH_ISSUER": "https://issuer.example", "AUTH_AUDIENCE": "holdfast",
    ]

    private func waitUntilReady() async throws {
        for program in programs {
            while try await status(program.admin, "/health/ready") != 200 {
                guard program.child.ended == nil else {
                    throw NotReady(description: program.child.lastLines(20).joined(separator: "\n"))
                }
                try await Self.time.sleep(for: .milliseconds(20))
            }
        }
    }

    private func status(_ port: Int, _ path: String) async throws -> Int? {
        let request = HTTPClientRequest(.get, url: "http://127.0.0.1:\(port)\(path)")
        return try? await client.execute(request, deadline: Self.time.now.advanced(by: .seconds(2))).status.code
    }

    private func stop(_ broker: TestBroker) async {
        for program in programs { program.child.send(.terminate) }
        for program in programs { await program.child.stop(patience: .seconds(20)) }
        await broker.stop()
        await client.shutdown()
    }

    struct NotReady: Error, CustomStringConvertible {
        var description: String
    }

    /// A token as `order-service token` prints it.
    static func token(_ subject: String, _ scope: String, ttl: String = "5m") async throws -> String {
        var launch = Launch(
            BuiltPrograms.path("order-service"), ["token", "--sub", subject, "--scope", scope, "--ttl", ttl],
            logFile: try await TestFolder.make("token") + "/out")
        launch.environment = settings
        let child = try await ChildProcess.start(launch)
        guard try await child.exit() == .code(0), let token = child.lastLines(1).first else {
            throw NotReady(description: child.lastLines(5).joined(separator: "\n"))
        }
        return token
    }

    /// Sends a request to a service's API, or to its admin port.
    func send(
        _ method: HTTPMethod, _ service: ServiceName, _ path: String, token: String?, body: String? = nil,
        key: String? = nil, admin: Bool = false, fields: HTTPFields = [:]
    ) async throws -> HTTPClientResponse {
        let program = try #require(programs.first { $0.name == service })
        var fields = fields
        if let token { fields.append("Authorization", "Bearer \(token)") }
        if body != nil { fields.append("Content-Type", "application/json") }
        if let key { fields.append("Idempotency-Key", key) }
        let request = HTTPClientRequest(
            method, url: "http://127.0.0.1:\(admin ? program.admin : program.api)\(path)", fields: fields,
            body: body.map { Array($0.utf8) })
        return try await client.execute(request, deadline: Self.time.now.advanced(by: .seconds(30)))
    }
}

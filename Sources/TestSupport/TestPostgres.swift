import Clocks
import LocalStack

/// A database on the test server.
package struct TestDatabase: Sendable {
    package var host: String
    package var port: Int
    package var user: String
    package var name: String

    /// The form the services' `DATABASE_URL` takes.
    package var url: String { "postgres://\(user)@\(host):\(port)/\(name)" }
}

/// One Postgres for all tests of a process, started when the first test asks for it.
///
/// It answers as a durable one does, but does not wait for the disk.
package enum TestPostgres {
    private static let shared = Task { try await startServer(named: "postgres") }

    /// The server all tests share: nobody stops it or changes its settings.
    package static func server() async throws -> PostgresServer {
        try await shared.value
    }

    /// A new, empty database; it goes with the server.
    package static func database() async throws -> TestDatabase {
        try await database(on: server())
    }

    /// A new, empty database on a server.
    package static func database(on server: PostgresServer) async throws -> TestDatabase {
        let name = "test_\(SystemRandom().next())"
        try await server.createDatabase(name)
        return TestDatabase(
            host: PostgresServer.host, port: server.configuration.port, user: server.configuration.user, name: name)
    }

    /// Gives the test a new, empty database and drops it afterwards with all sessions in it.
    package static func withDatabase<Result>(
        _ body: (TestDatabase) async throws -> sending Result
    ) async throws -> sending Result {
        let server = try await server()
        let database = try await database(on: server)
        do {
            let result = try await body(database)
            try await server.dropDatabase(database.name)
            return result
        } catch {
            try? await server.dropDatabase(database.name)
            throw error
        }
    }

    /// Gives the test a server of its own, to stop and kill as it likes.
    package static func withOwnServer<Result>(
        _ body: (PostgresServer) async throws -> sending Result
    ) async throws -> sending Result {
        let server = try await startServer(named: "own-postgres")
        do {
            let result = try await body(server)
            await server.kill()
            return result
        } catch {
            await server.kill()
            throw error
        }
    }

    private static func startServer(named name: String) async throws -> PostgresServer {
        var configuration = PostgresServerConfiguration(folder: try await TestFolder.make(name), port: 0)
        configuration.isDurable = false
        configuration.connectionLimit = 400
        configuration.sharedBuffersMegabytes = 128
        // Another process may take the port between the look and the start.
        for _ in 0..<4 {
            configuration.port = Ports.anyFree()
            if let server = try? await PostgresServer.start(configuration) { return server }
        }
        configuration.port = Ports.anyFree()
        return try await PostgresServer.start(configuration)
    }
}

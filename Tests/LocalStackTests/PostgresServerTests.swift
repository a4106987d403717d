import LocalStack
import TestSupport
import Testing

@Suite("Private Postgres")
struct PostgresServerTests {
    @Test("databases are created once and found again")
    func databases() async throws {
        let server = try await TestPostgres.server()
        try await server.createDatabases(["first \"one\"", "second"])
        try await server.createDatabases(["second", "first \"one\""])
        let names = try await server.sql("SELECT datname FROM pg_database").split(separator: "\n")
        #expect(names.contains("first \"one\"") && names.contains("second"))
    }

    @Test("a fresh database is empty and its own")
    func freshDatabase() async throws {
        let name = try await TestPostgres.withDatabase { database in
            let server = try await TestPostgres.server()
            _ = try await server.sql("CREATE TABLE t (n int)", in: database.name)
            return database.name
        }
        let names = try await TestPostgres.server().sql("SELECT datname FROM pg_database")
        #expect(!names.split(separator: "\n").contains(Substring(name)))
    }

    @Test("after a kill the next start repairs the data and carries on")
    func carriesOn() async throws {
        try await TestPostgres.withOwnServer { server in
            _ = try await server.sql("CREATE TABLE kept AS SELECT 42 AS n")
            await server.kill()
            #expect(server.process.ended == .signal(9))
            var configuration = server.configuration
            configuration.port = Ports.anyFree()
            let next = try await PostgresServer.start(configuration)
            #expect(try await next.sql("SELECT n FROM kept") == "42\n")
            await next.stop()
            #expect(next.process.ended == .code(0))
        }
    }

    @Test("a second server on the same folder is refused by the first one's process id")
    func sameFolder() async throws {
        let running = try await TestPostgres.server()
        var configuration = running.configuration
        configuration.port = Ports.anyFree()
        let error = await #expect(throws: PostgresServerError.self) {
            try await PostgresServer.start(configuration)
        }
        #expect(error?.description.contains("process id \(running.process.pid)") == true)
    }

    @Test("a taken port is named before anything starts")
    func takenPort() async throws {
        let running = try await TestPostgres.server()
        let folder = try await TestFolder.make("taken")
        let error = await #expect(throws: PostgresServerError.self) {
            try await PostgresServer.start(
                PostgresServerConfiguration(folder: folder, port: running.configuration.port))
        }
        #expect(
            error?.description == "port \(running.configuration.port), wanted for Postgres, is taken by another program"
        )
        #expect(Files.list(folder) == [])
    }

    @Test("a failing statement says what Postgres said")
    func failingStatement() async throws {
        let server = try await TestPostgres.server()
        let error = await #expect(throws: PostgresServerError.self) {
            try await server.sql("SELECT nonsense")
        }
        #expect(error?.description.contains("column \"nonsense\" does not exist") == true)
    }

    @Test("who holds a port is found by its process")
    func portHolder() async throws {
        let server = try await TestPostgres.server()
        let holder = PortHolder.find(server.configuration.port)
        #expect(holder == PortHolder(pid: server.process.pid, program: "postgres"))
        #expect(PortHolder.find(Ports.anyFree()) == nil)
    }
}

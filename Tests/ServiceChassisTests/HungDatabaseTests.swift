import Clocks
import Glibc
import HTTPCodec
import LocalStack
import Postgres
import Resilience
import ServiceChassis
import TestSupport
import Testing

@Suite("A database that hangs", .timeLimit(.minutes(2)))
struct HungDatabaseTests {
    private static let time = SystemTime()

    /// Stops or continues the server and all its sessions, as a frozen machine would.
    private static func signal(_ number: Int32, _ processes: [pid_t]) {
        for process in processes { kill(process, number) }
    }

    /// The processes that this one has started.
    private static func children(of parent: pid_t) -> [pid_t] {
        Files.list("/proc").compactMap { pid_t($0) }.filter { process in
            status(process).map { $0.count > 1 && pid_t($0[1]) == parent } ?? false
        }
    }

    /// What the kernel says of a process, from its state on; the second is its parent.
    private static func status(_ process: pid_t) -> [Substring]? {
        Files.text("/proc/\(process)/stat")?.split(separator: ")").last?.split(separator: " ")
    }

    private func eventually(_ what: Comment, _ condition: () async -> Bool) async throws {
        let end = Self.time.now.advanced(by: .seconds(20))
        while await !condition() {
            guard Self.time.now < end else {
                Issue.record(what)
                return
            }
            try await Self.time.sleep(for: .milliseconds(2))
        }
    }

    @Test("is noticed by a busy service in about three seconds, answered 503 at once, and used again when it goes on")
    func hang() async throws {
        try await TestPostgres.withOwnServer { server in
            let url = "postgres://\(server.configuration.user)@127.0.0.1:\(server.configuration.port)/postgres"
            let chassis = DatabaseTests.chassis()
            let parts = chassis.database(try DatabaseTests.settings(url), migrations: [])
            let breaker = try #require(parts.client.breaker)
            let life = ServiceLife()
            async let running: Void = parts.pool.run(life)
            chassis.health.started()
            var router = Router()
            router.get("/rows", access: .everyone) { context in
                _ = try await parts.client.query(Statement("SELECT 1"), deadline: context.deadline)
                return .json(Array("{}".utf8))
            }
            let handler = RequestHandler.test(router, time: Self.time)
            let load = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<40 {
                        group.addTask {
                            while !Task.isCancelled {
                                if await handler.send(.get, "/rows").status == .ok { continue }
                                try? await Self.time.sleep(for: .milliseconds(20))
                            }
                        }
                    }
                }
            }
            try await eventually("all connections are at work") { parts.client.statistics.waiting > 0 }
            // First the one that begins sessions: a session that it began meanwhile would go on answering.
            let postmaster = server.process.pid
            Self.signal(SIGSTOP, [postmaster])
            // What it is just forking is done before it stops.
            try await eventually("the postmaster stands still") { Self.status(postmaster)?.first == "T" }
            let processes = Self.children(of: postmaster) + [postmaster]
            defer { Self.signal(SIGCONT, processes) }
            Self.signal(SIGSTOP, processes)
            let stopped = Self.time.now
            try await eventually("the circuit opens") { breaker.state.refuses }
            let noticed = stopped.duration(to: Self.time.now)
            // A look every 1.5 s that takes 1.5 s to tell; the rest is for a busy machine.
            #expect(noticed < .seconds(4), "it took \(noticed)")
            let asked = Self.time.now
            let answer = await handler.send(.get, "/rows")
            #expect(answer.slug == "dependency-unavailable", "\(answer.status) \(parts.client.statistics)")
            #expect(asked.duration(to: Self.time.now) < .milliseconds(250))
            // It stays so: what waited does not come back as new waiting.
            try await Self.time.sleep(for: .seconds(2))
            #expect(breaker.state.refuses)
            #expect(await chassis.health.ready().status == .down)

            let continued = Self.time.now
            Self.signal(SIGCONT, processes)
            try await eventually("the circuit closes") { breaker.state == .closed }
            let recovered = continued.duration(to: Self.time.now)
            #expect(recovered < .seconds(3), "it took \(recovered)")
            try await eventually("requests are answered") { await handler.send(.get, "/rows").status == .ok }
            load.cancel()
            await load.value
            life.stop()
            try await running
        }
    }

    @Test("is not taken for one when connections are only used up")
    func busy() async throws {
        try await TestPostgres.withDatabase { database in
            let chassis = DatabaseTests.chassis()
            let parts = chassis.database(try DatabaseTests.settings(database.url), migrations: [])
            let breaker = try #require(parts.client.breaker)
            let life = ServiceLife()
            async let running: Void = parts.pool.run(life)
            // Many more than there are connections, each slow: whoever looks waits in vain, but answers come.
            let load = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            while !Task.isCancelled {
                                _ = try? await parts.client.query(
                                    Statement("SELECT pg_sleep(0.3)"), deadline: Self.time.now.advanced(by: .seconds(9))
                                )
                            }
                        }
                    }
                }
            }
            try await Self.time.sleep(for: .seconds(5))
            #expect(breaker.state == .closed)
            #expect(breaker.snapshot.counts.total(.failure) == 0)
            load.cancel()
            await load.value
            life.stop()
            try await running
        }
    }
}

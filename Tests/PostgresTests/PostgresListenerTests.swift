import Clocks
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite("Listening for notifications")
struct PostgresListenerTests {
    private func listening(
        on database: TestDatabase, _ body: (AsyncStream<PostgresNotice>.Iterator) async throws -> Void
    ) async throws {
        let (stream, continuation) = AsyncStream<PostgresNotice>.makeStream()
        let listener = PostgresListener(
            configuration: PostgresConfiguration(
                host: database.host, port: database.port, user: database.user, database: database.name),
            channels: ["news"], time: SystemTime()
        ) { continuation.yield($0) }
        let running = Task { await listener.run() }
        try await body(stream.makeAsyncIterator())
        running.cancel()
        await running.value
    }

    private func say(_ text: String) -> Statement {
        Statement("SELECT pg_notify('news', $1::text)", [.text(text)])
    }

    @Test("what is said on the channel is heard, in order, and what is said on others is not")
    func heard() async throws {
        try await withClient { client, database in
            try await listening(on: database) { notices in
                var notices = notices
                #expect(await notices.next() == .mayHaveMissed, "what was said before is unknown")
                _ = try await client.query(Statement("SELECT pg_notify('other', 'x')"))
                for text in ["one", "two"] { _ = try await client.query(say(text)) }
                #expect(await notices.next() == .notification(channel: "news", payload: "one"))
                #expect(await notices.next() == .notification(channel: "news", payload: "two"))
            }
        }
    }

    @Test("a listener whose connection is killed listens again, and says that it may have missed something")
    func reconnects() async throws {
        try await withClient { client, database in
            try await listening(on: database) { notices in
                var notices = notices
                _ = await notices.next()
                _ = try await client.query(
                    Statement(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%-listener' AND datname = current_database()"
                    ))
                #expect(await notices.next() == .mayHaveMissed)
                _ = try await client.query(say("again"))
                #expect(await notices.next() == .notification(channel: "news", payload: "again"))
            }
        }
    }
}

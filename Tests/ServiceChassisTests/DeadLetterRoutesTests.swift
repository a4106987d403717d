import Clocks
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@Suite("Dead letters on the admin port")
struct DeadLetterRoutesTests {
    private struct Fixture {
        let client: PostgresClient
        let log = LineSink()
        let handler: RequestHandler

        init(_ database: TestDatabase) {
            let time = SystemTime()
            client = PostgresClient(
                configuration: PostgresConfiguration(
                    host: database.host, port: database.port, user: database.user, database: database.name),
                time: time, random: SeededRandom(seed: 3))
            let directory = DeadLetterDirectory()
            directory.open(DeadLetterDesk(client))
            var router = Router()
            DeadLetterRoutes(directory, logger: Logger(service: "s", level: .info, sink: log, time: time))
                .add(to: &router)
            handler = .test(router, time: time)
        }

        /// Runs `body` with two letters: one refused, of an order, and one unreadable that names none.
        static func with(_ body: (Fixture, _ refused: String, _ unreadable: String) async throws -> Void) async throws {
            try await TestPostgres.withDatabase { database in
                let fixture = Fixture(database)
                defer { fixture.client.close() }
                let deadline = SystemTime().now.advanced(by: .seconds(10))
                _ = try await Migrator(fixture.client, MessagingSchema.migrations).apply(deadline: deadline)
                let rows = try await fixture.client.query(
                    Statement(
                        """
                        INSERT INTO dead_letters (id, topic, partition, "offset", order_id, headers, payload, reason, trouble,
                                                  attempts, first_seen, last_seen, identity)
                        VALUES
                            (gen_random_uuid(), 't', 0, 1, gen_random_uuid(), '[["ce_type", "x.v1"]]', '{"a":1}',
                             'no such thing', 'refused', 8, now(), now(), 'a'),
                            (gen_random_uuid(), 'u', 0, 1, NULL, '[["ce_id", "ff", "hex"]]', '\\xff', 'what is this',
                             'unreadable', 1, now(), now(), 'b')
                        RETURNING id
                        """))
                try await body(fixture, try rows[0].uuid(0).description, try rows[1].uuid(0).description)
            }
        }

        func json(_ method: HTTPMethod, _ target: String, body: String = "") async throws -> JSONValue {
            let fields: HTTPFields = body.isEmpty ? [:] : ["Content-Type": "application/json"]
            return try JSONDocument(
                parsing: await handler.send(method, "/admin/dead-letters" + target, fields, body: body).bytes ?? []
            ).root
        }

        func slug(_ method: HTTPMethod, _ target: String, body: String = "") async -> String? {
            let fields: HTTPFields = body.isEmpty ? [:] : ["Content-Type": "application/json"]
            return await handler.send(method, "/admin/dead-letters" + target, fields, body: body).slug
        }
    }

    @Test("they are listed by reason and topic, with counts of what is open, and shown with a readable payload")
    func list() async throws {
        try await Fixture.with { fixture, refused, unreadable in
            let all = try await fixture.json(.get, "")
            #expect(all["items"].map { Array($0.elements).count } == 2)
            let counts = all["counts"].map { Array($0.elements) } ?? []
            #expect(counts.map { $0["reason"]?.string } == ["refused", "unreadable"])
            #expect(counts.map { $0["count"]?.int64 } == [1, 1])
            let some = try await fixture.json(.get, "?reason=refused&topic=t")
            #expect(some["items"].map { $0.elements.compactMap { $0["id"]?.string } } == [refused])
            #expect(try await fixture.json(.get, "?status=discarded")["items"].map { Array($0.elements).count } == 0)
            let first = try await fixture.json(.get, "?limit=1")
            let cursor = try #require(first["nextCursor"]?.string)
            let next = try await fixture.json(.get, "?limit=1&cursor=\(cursor)")
            #expect(next["nextCursor"]?.isNull == true)
            #expect(next["items"].map { Array($0.elements).count } == 1)
            #expect(await fixture.slug(.get, "?reason=bad") == "invalid-parameter")
            let letter = try await fixture.json(.get, "/\(refused)")
            #expect(letter["contents"]?["payload"]?.string == #"{"a":1}"#)
            #expect(letter["type"]?.string == "x.v1")
            #expect(letter["original"]?.isNull == true)
            let other = try await fixture.json(.get, "/\(unreadable)")
            #expect(other["contents"]?["payload"]?.isNull == true)
            #expect(other["contents"]?["payloadHex"]?.string == "ff")
            #expect(await fixture.slug(.get, "/\(UUID(high: 1, low: 1))") == "not-found")
        }
    }

    @Test("an edit keeps the original, a redrive parks the message, and what is decided is decided")
    func decide() async throws {
        try await Fixture.with { fixture, refused, _ in
            let edited = try await fixture.json(.put, "/\(refused)", body: #"{"payload":"{\"a\":2}"}"#)
            #expect(edited["contents"]?["payload"]?.string == #"{"a":2}"#)
            #expect(edited["original"]?["payload"]?.string == #"{"a":1}"#)
            #expect(await fixture.slug(.put, "/\(refused)", body: "{}") == "validation-failed")
            #expect(await fixture.slug(.put, "/\(refused)", body: #"{"headers":[["a"]]}"#) == "validation-failed")
            let redriven = try await fixture.json(.post, "/\(refused)/redrive")
            #expect(redriven["status"]?.string == "redriving")
            let parked = try await fixture.client.query(Statement("SELECT payload FROM parked_messages"))
            #expect(try parked.map { try $0.bytes(0) } == [Array(#"{"a":2}"#.utf8)])
            #expect(await fixture.slug(.post, "/\(refused)/redrive") == "dead-letter-not-open")
            #expect(await fixture.slug(.delete, "/\(refused)?reason=no") == "dead-letter-not-open")
            #expect(fixture.log.lines.contains { $0.contains("an operator redrives a dead letter") })
        }
    }

    @Test("discarding needs a reason, which stays; a letter without an order cannot be redriven")
    func discard() async throws {
        try await Fixture.with { fixture, refused, unreadable in
            #expect(await fixture.slug(.delete, "/\(refused)") == "invalid-parameter")
            #expect(await fixture.slug(.post, "/\(unreadable)/redrive") == "dead-letter-without-order")
            let discarded = try await fixture.json(.delete, "/\(unreadable)?reason=a%20test")
            #expect(discarded["status"]?.string == "discarded")
            #expect(discarded["resolution"]?.string == "a test")
            let all = try await fixture.json(.post, "/redrive?limit=10")
            #expect(all["redriven"].map { $0.elements.compactMap(\.string) } == [refused])
            #expect(await fixture.slug(.post, "/redrive?limit=0") == "invalid-parameter")
        }
    }
}

import Clocks
import HTTPClient
import HTTPCodec
import JSON
import LocalStack
import TestSupport
import Testing

/// What a client may rely on, asked of running services.
@Suite("The contract of the running services", .serialized)
struct ContractTests {
    private static let shared = Task {
        let stack = try await TestStack.start()
        try await stack.waitUntilReady()
        let client = StackClient(stack)
        try await client.stock("LAMP", price: 1999, quantity: 1000)
        return client
    }

    /// A refused request: what is wrong with it and what the answer must name.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var body: String
        var status: Int
        var slug: String
        var place: String?
        var testDescription: String { name }
    }

    private static let lines = #"[{"sku":"LAMP","quantity":1}]"#

    private static func order(
        customer: String = #""c-1""#, currency: String = "EUR", lines: String = lines,
        payment: String = #"{"token":"tok_ok"}"#,
        country: String = "DE", more: String = ""
    ) -> String {
        #"{"customerId":\#(customer),"currency":"\#(currency)","lines":\#(lines),"payment":\#(payment),"shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"\#(country)"}\#(more)}"#
    }

    private static func line(_ quantity: String, sku: String = "LAMP", more: String = "") -> String {
        order(lines: #"[{"sku":"\#(sku)","quantity":\#(quantity)\#(more)}]"#)
    }

    static let refusals: [Refusal] =
        [
            ("an empty body", ""), ("no JSON", "hello"), ("trailing bytes", "{} {}"),
            ("a member twice", #"{"a":1,"a":2}"#),
            ("a lone surrogate", #"{"a":"\ud800"}"#), ("deep nesting", String(repeating: "[", count: 40)),
            ("NaN", #"{"a":NaN}"#),
            ("a byte order mark", "\u{FEFF}{}"), ("a cut document", #"{"a":"#),
        ].map { Refusal(name: $0.0, body: $0.1, status: 400, slug: "malformed-request") }
        + [
            ("a top level that is no object", "[]", "#"), ("a negative quantity", line("-1"), "#/lines/0/quantity"),
            ("a quantity of 0", line("0"), "#/lines/0/quantity"),
            ("a quantity of 1001", line("1001"), "#/lines/0/quantity"),
            ("a quantity no integer holds", line("1000000000000000000000"), "#/lines/0/quantity"),
            ("a quantity with a fraction", line("1.0"), "#/lines/0/quantity"),
            ("a quantity as text", line("\"1\""), "#/lines/0/quantity"),
            ("a price in a line", line("1", more: #","unitPrice":1"#), "#/lines/0/unitPrice"),
            ("an unknown item", line("1", sku: "NOPE"), "#/lines/0/sku"),
            ("an SKU outside the alphabet", line("1", sku: "a b"), "#/lines/0/sku"),
            (
                "an SKU twice", order(lines: #"[{"sku":"LAMP","quantity":1},{"sku":"LAMP","quantity":1}]"#),
                "#/lines/1/sku"
            ),
            ("no lines", order(lines: "[]"), "#/lines"),
            ("a customer with a blank", order(customer: #""a b""#), "#/customerId"),
            ("a currency in lower case", order(currency: "eur"), "#/currency"),
            ("another currency than the item's", order(currency: "USD"), "#/currency"),
            ("a token with a dot", order(payment: #"{"token":"a.b"}"#), "#/payment/token"),
            ("no token", order(payment: "{}"), "#/payment/token"),
            ("a country of three letters", order(country: "DEU"), "#/shipTo/country"),
            ("an unknown member", order(more: #","colour":"red""#), "#/colour"),
            (
                "10 000 lines",
                order(
                    lines: "[" + Array(repeating: #"{"sku":"LAMP","quantity":1}"#, count: 10_000).joined(separator: ",")
                        + "]"), "#/lines"
            ),
        ].map { Refusal(name: $0.0, body: $0.1, status: 422, slug: "validation-failed", place: $0.2) }

    private func key(_ name: String) -> [(String, String)] { [("Idempotency-Key", name)] }

    @Test("a wrong body is refused with the place of each fault", arguments: refusals)
    func refused(refusal: Refusal) async throws {
        let client = try await Self.shared.value
        let answer = try await client.send(
            .post, client.stack.api(.order) + "/v1/orders", body: refusal.body,
            fields: key("refused-\(refusal.name.utf8.count)x\(refusal.body.utf8.count)"))
        #expect(answer.status.code == refusal.status)
        #expect(answer.fields["Content-Type"] == "application/problem+json")
        let problem = try JSONDocument(parsing: answer.body).root
        #expect(problem["type"]?.string == "urn:holdfast:problem:\(refusal.slug)")
        #expect(problem["status"]?.int64 == Int64(refusal.status))
        if let place = refusal.place {
            let places = problem["errors"]?.elements.compactMap { $0["pointer"]?.string } ?? []
            #expect(places.contains(place), "\(places)")
        }
    }

    @Test("a wrong header, query or path is refused, and says which")
    func outside() async throws {
        let client = try await Self.shared.value
        let orders = client.stack.api(.order) + "/v1/orders"
        func expect(_ answer: HTTPClientResponse, _ status: Int, _ slug: String, naming name: String? = nil) throws {
            let problem = try JSONDocument(parsing: answer.body).root
            #expect(
                answer.status.code == status && problem["type"]?.string == "urn:holdfast:problem:\(slug)",
                "\(answer.status)")
            if let name {
                let names =
                    problem["errors"]?.elements.compactMap { $0["parameter"]?.string ?? $0["header"]?.string } ?? []
                #expect(names == [name])
            }
        }
        try expect(try await client.send(.post, orders, body: Self.order()), 400, "idempotency-key-missing")
        try expect(
            try await client.send(.post, orders, body: Self.order(), fields: key(String(repeating: "x", count: 256))),
            400,
            "idempotency-key-invalid")
        try expect(
            try await client.send(
                .post, orders, body: Self.order(), fields: key("ct") + [("Content-Type", "text/plain")]), 415,
            "unsupported-media-type")
        for (query, name) in [
            ("limit=0", "limit"), ("limit=101", "limit"), ("cursor=abc", "cursor"), ("custmerId=c-1", "custmerId"),
            ("status=odd", "status"),
        ] {
            try expect(try await client.send(.get, orders + "?" + query), 400, "invalid-parameter", naming: name)
        }
        try expect(
            try await client.send(.get, orders, fields: [("Request-Timeout", "soon")]), 400, "invalid-parameter",
            naming: "Request-Timeout")
        for path in ["/v1/orders/nope", "/v1/orders/00000000-0000-7000-8000-000000000000", "/nope", "/v1/orders/a/b"] {
            try expect(try await client.send(.get, client.stack.api(.order) + path), 404, "not-found")
        }
        let wrong = try await client.send(.delete, orders)
        try expect(wrong, 405, "method-not-allowed")
        #expect(wrong.fields["Allow"] == "GET, HEAD, POST")
    }

    @Test("one key has one answer, whatever became of the order; another payload is told")
    func idempotency() async throws {
        let client = try await Self.shared.value
        let orders = client.stack.api(.order) + "/v1/orders"
        let first = try await client.send(
            .post, orders, body: Self.order(), fields: key("same") + [("Prefer", "wait=20")])
        #expect(first.status == .ok && first.fields["Preference-Applied"] == "wait=20")
        #expect(try JSONDocument(parsing: first.body).root["status"]?.string == "confirmed")
        let again = try await client.send(.post, orders, body: " " + Self.order(), fields: key("same"))
        let third = try await client.send(.post, orders, body: Self.order(), fields: key("\"same\""))
        #expect(again.status == .accepted && again.body == third.body, "the recorded answer, byte for byte")
        #expect(again.fields["Idempotent-Replayed"] == "true" && again.fields["Location"] == first.fields["Location"])
        #expect(try JSONDocument(parsing: again.body).root["status"]?.string == "pending")
        for other in [Self.line("2"), #"{"nonsense":1}"#] {
            let refused = try await client.send(.post, orders, body: other, fields: key("same"))
            #expect(refused.status.code == 422)
            #expect(
                try JSONDocument(parsing: refused.body).root["type"]?.string
                    == "urn:holdfast:problem:idempotency-key-reused")
        }
        let wrong = try await client.send(.post, orders, body: Self.line("0"), fields: key("corrected"))
        let right = try await client.send(.post, orders, body: Self.order(), fields: key("corrected"))
        #expect(wrong.status.code == 422 && right.status == .accepted, "after a refusal the key is free")
    }

    @Test("a walk through the orders shows each once, newest first")
    func walk() async throws {
        let client = try await Self.shared.value
        let orders = client.stack.api(.order) + "/v1/orders"
        for number in 0..<7 {
            _ = try await client.send(
                .post, orders, body: Self.order(customer: #""walker""#), fields: key("walk-\(number)"))
        }
        var seen: [(String, String)] = []
        var cursor = ""
        repeat {
            let answer = try await client.send(.get, orders + "?customerId=walker&limit=3\(cursor)")
            let page = try JSONDocument(parsing: answer.body).root
            for order in page["items"]?.elements.map({ $0 }) ?? [] {
                seen.append((order["createdAt"]?.string ?? "", order["id"]?.string ?? ""))
            }
            cursor = page["nextCursor"]?.string.map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty && seen.count < 20
        #expect(seen.count == 7 && Set(seen.map(\.1)).count == 7)
        #expect(seen.map { $0.0 + $0.1 } == seen.map { $0.0 + $0.1 }.sorted(by: >))
    }

    @Test(
        "tok_slow, tok_flaky and Antarctica come out as they should",
        arguments: [
            ("tok_slow", "DE", "confirmed", 1), ("tok_flaky", "DE", "confirmed", 3), ("tok_ok", "AQ", "rejected", 1),
        ])
    func outcomes(token: String, country: String, status: String, attempts: Int64) async throws {
        let client = try await Self.shared.value
        let placed = try await client.send(
            .post, client.stack.api(.order) + "/v1/orders",
            body: Self.order(payment: #"{"token":"\#(token)"}"#, country: country),
            fields: key("\(token)-\(country)") + [("Prefer", "wait=20")])
        let id = try JSONDocument(parsing: placed.body).root["id"]?.string ?? ""
        // The outcome is known at the pivot; the saga goes on for a moment.
        _ = try await client.auditsAtRest()
        let order = try await client.order(id)
        #expect(order.status == status && order.violations().isEmpty, "\(order)")
        let payments = try await client.send(.get, client.stack.api(.payment) + "/v1/payments?orderId=\(id)")
        let payment = try JSONDocument(parsing: payments.body).root["items"]?.elements.first { _ in true }
        #expect(payment?["attempts"]?.int64 == attempts)
        #expect(payment?["status"]?.string == (status == "confirmed" ? "captured" : "refunded"))
    }

    @Test("an order's events tell its course once and in order, end with it, and resume without a gap")
    func events() async throws {
        let client = try await Self.shared.value
        let api = client.stack.api(.order)
        let placed = try await client.send(
            .post, api + "/v1/orders", body: Self.order(payment: #"{"token":"tok_declined"}"#),
            fields: [("Idempotency-Key", "events-1")])
        #expect(placed.status == .accepted)
        let id = try #require(placed.fields["Location"]?.split(separator: "/").last.map(String.init))
        // The answer is whole when the stream has ended, which it does with the order's course.
        let stream = try await client.send(.get, api + "/v1/orders/\(id)/events")
        #expect(stream.status == .ok && stream.fields["Content-Type"] == "text/event-stream")
        let events = ServerSentEvent.all(in: String(decoding: stream.body, as: UTF8.self))
        #expect(events.last?.data.contains(#""status":"rejected","reason":"payment-declined""#) == true)
        #expect(events.allSatisfy { $0.event == "order-status" && $0.data.contains(id) })
        #expect(events.map(\.id) == events.map(\.id).sorted() && Set(events.map(\.id)).count == events.count)

        // From the start of the feed: each status of the order once.
        let whole = try await client.send(
            .get, api + "/v1/orders/\(id)/events", fields: [("Last-Event-ID", "0")])
        let course = ServerSentEvent.all(in: String(decoding: whole.body, as: UTF8.self))
        #expect(course.count == 2 && course[0].data.contains(#""status":"pending""#))
        let again = try await client.send(
            .get, api + "/v1/orders/\(id)/events", fields: [("Last-Event-ID", "\(course[0].id)")])
        #expect(ServerSentEvent.all(in: String(decoding: again.body, as: UTF8.self)) == [course[1]])
        let behind = try await client.send(
            .get, api + "/v1/orders/\(id)/events", fields: [("Last-Event-ID", "\(course[1].id)")])
        #expect(behind.status == .ok && ServerSentEvent.all(in: String(decoding: behind.body, as: UTF8.self)).isEmpty)

        for (value, path) in [("x", "/v1/events"), ("-1", "/v1/events"), ("999999999", "/v1/orders/\(id)/events")] {
            let refused = try await client.send(.get, api + path, fields: [("Last-Event-ID", value)])
            #expect(refused.status == .badRequest)
            #expect(String(decoding: refused.body, as: UTF8.self).contains(#""header":"Last-Event-ID""#))
        }
        let unknown = try await client.send(.get, api + "/v1/orders/00000000-0000-7000-8000-000000000000/events")
        #expect(unknown.status == .notFound)
    }

    @Test("every service answers probes, and has its metrics from the start")
    func admin() async throws {
        let client = try await Self.shared.value
        let common = [
            "http_requests_total", "http_request_duration_seconds", "db_pool_connections", "db_pool_connections_max",
            "outbox_pending",
            "outbox_oldest_seconds", "consumer_lag", "dead_letters", "dependency_health_status",
        ]
        let orders = [
            "orders_total", "sagas", "saga_duration_seconds", "circuit_breaker_state", "circuit_breaker_requests_total",
            "retry_attempts_total", "service_call_duration_seconds",
        ]
        for service in ServiceName.allCases {
            for probe in ["live", "ready", "startup"] {
                let answer = try await client.send(.get, client.stack.admin(service) + "/health/\(probe)")
                #expect(answer.status == .ok && answer.fields["Cache-Control"] == "no-store")
                #expect(try JSONDocument(parsing: answer.body).root["status"]?.string == "up")
            }
            let metrics = try await client.send(.get, client.stack.admin(service) + "/metrics")
            let text = String(decoding: metrics.body, as: UTF8.self)
            for family in common + (service == .order ? orders : []) {
                #expect(
                    text.contains("# HELP \(family) ") && text.contains("# TYPE \(family) "),
                    "\(service.rawValue) lacks \(family)")
            }
        }
    }

    /// Last in the suite: nothing that was sent has killed or upset a service.
    @Test("afterwards the books agree, nothing was answered with 500, and the stack ends orderly")
    func afterwards() async throws {
        let client = try await Self.shared.value
        let audits = try await client.auditsAtRest()
        #expect(audits.violationsAtRest().isEmpty, "\(audits.violationsAtRest())")
        for service in ServiceName.allCases {
            let metrics = try await client.send(.get, client.stack.admin(service) + "/metrics")
            let failures = String(decoding: metrics.body, as: UTF8.self).split(separator: "\n")
                .filter { $0.hasPrefix("http_requests_total{") && $0.contains("status=\"5") && !$0.hasSuffix(" 0") }
            #expect(failures.isEmpty)
        }
        #expect(!client.stack.output.contains { $0.contains("runs again") }, "no process was lost")
        await client.close()
        #expect(await client.stack.stop() == .code(0))
    }
}

/// One event of a stream, read as a browser reads it.
private struct ServerSentEvent: Equatable {
    var id: Int
    var event: String
    var data: String

    static func all(in text: String) -> [ServerSentEvent] {
        text.split(separator: "\n\n").compactMap { block in
            var fields: [Substring: String] = [:]
            for line in block.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[parts[0]] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            }
            guard let data = fields["data"], let id = fields["id"].flatMap({ Int($0) }) else { return nil }
            return ServerSentEvent(id: id, event: fields["event"] ?? "message", data: data)
        }
    }
}

import Clocks
import HTTPClient
import HTTPCodec
import JSON
import LocalStack
import TestSupport
import Testing

/// The services with `AUTH=jwt`, from outside: who may do what, and that they know each other.
@Suite("Services that ask who calls", .timeLimit(.minutes(3)), .serialized)
struct AuthenticationTests {
    /// One token for each kind of caller.
    struct Callers {
        var customer: String
        var other: String
        var reader: String
        var scopeless: String
        var service: String
        var `operator`: String
        var forged: String

        static func make() async throws -> Callers {
            Callers(
                customer: try await GuardedSuite.token("c-1", "orders:read orders:write"),
                other: try await GuardedSuite.token("c-2", "orders:read orders:write"),
                reader: try await GuardedSuite.token("c-1", "orders:read"),
                scopeless: try await GuardedSuite.token("c-1", ""),
                service: try await GuardedSuite.token("some-service", "service"),
                operator: try await GuardedSuite.token("ops", "operator"),
                // Signed by nobody who has the secret.
                forged: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjLTEifQ.AAAA")
        }
    }

    static func order(_ customer: String) -> String {
        """
        {"customerId":"\(customer)","currency":"EUR","lines":[{"sku":"LAMP","quantity":1}],"payment":{"token":"tok_ok"},
         "shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"DE"}}
        """
    }

    static func json(_ response: HTTPClientResponse) throws -> JSONValue {
        try JSONDocument(parsing: response.body).root
    }

    static func slug(_ response: HTTPClientResponse) throws -> String? {
        try json(response)["type"]?.string.map { String($0.split(separator: ":").last ?? "") }
    }

    @Test("an order takes its whole way, and every route opens to those it is for alone")
    func wholeWay() async throws {
        let callers = try await Callers.make()
        try await GuardedSuite.with { suite in
            let stocked = try await suite.send(
                .put, .inventory, "/v1/items/LAMP", token: callers.operator,
                body: #"{"name":"Lamp","unitPrice":{"amount":1999,"currency":"EUR"}}"#)
            #expect(stocked.status == .created)
            let received = try await suite.send(
                .post, .inventory, "/v1/items/LAMP/receipts", token: callers.operator, body: #"{"quantity":50}"#,
                key: "first")
            #expect(received.status == .created)
            let placed = try await suite.send(
                .post, .order, "/v1/orders", token: callers.customer, body: Self.order("c-1"), key: "k",
                fields: ["Prefer": "wait=20"])
            // Priced by inventory-service, which asks order-service who it is.
            #expect(placed.status == .ok)
            #expect(try Self.json(placed)["status"]?.string == "confirmed")
            let id = try #require(try Self.json(placed)["id"]?.string)
            let shown = try Self.json(
                try await suite.send(.get, .order, "/v1/orders/\(id)", token: callers.customer))
            // Fetched from payment-service and shipping-service, which ask too.
            #expect(shown["degraded"]?.count == 0)
            #expect(shown["payment"]?["status"]?.string == "captured")
            #expect(shown["shipment"]?["orderId"]?.string == id)
            try await Self.ownership(suite, callers, id)
            try await Self.table(suite, callers, id)
        }
    }

    /// What belongs to a customer is for that customer: orders, lists, and idempotency keys.
    static func ownership(_ suite: GuardedSuite, _ callers: Callers, _ id: String) async throws {
        let foreign = try await suite.send(.get, .order, "/v1/orders/\(id)", token: callers.other)
        let missing = try await suite.send(
            .get, .order, "/v1/orders/018f0000-0000-7000-8000-000000000000", token: callers.other)
        #expect(foreign.status == .notFound)
        #expect(foreign.body == missing.body)
        func list(_ query: String, _ token: String) async throws -> HTTPClientResponse {
            try await suite.send(.get, .order, "/v1/orders\(query)", token: token)
        }
        #expect(try json(try await list("", callers.other))["items"]?.count == 0)
        #expect(try json(try await list("", callers.customer))["items"]?.count == 1)
        #expect(try json(try await list("?customerId=c-1", callers.customer))["items"]?.count == 1)
        #expect(try json(try await list("", callers.service))["items"]?.count == 1)
        #expect(try json(try await list("?customerId=c-2", callers.operator))["items"]?.count == 0)
        #expect(try slug(try await list("?customerId=c-1", callers.other)) == "forbidden")
        #expect(try slug(try await list("?customerId=nobody", callers.other)) == "forbidden")
        // The same key of another client is another key; the same one again is a replay.
        let again = try await suite.send(
            .post, .order, "/v1/orders", token: callers.customer, body: order("c-1"), key: "k")
        #expect(again.fields["Idempotent-Replayed"] == "true")
        #expect(try json(again)["id"]?.string == id)
        let others = try await suite.send(
            .post, .order, "/v1/orders", token: callers.other, body: order("c-2"), key: "k")
        #expect(others.status == .accepted)
        #expect(others.fields["Idempotent-Replayed"] == nil)
        let inName = try await suite.send(
            .post, .order, "/v1/orders", token: callers.other, body: order("c-1"), key: "k-3")
        #expect(try slug(inName) == "forbidden")
        let byService = try await suite.send(
            .post, .order, "/v1/orders", token: callers.service, body: order("c-1"), key: "k")
        #expect(byService.status == .accepted)
        #expect(byService.fields["Idempotent-Replayed"] == nil)
    }

    /// Every route that is not for everyone, with the status for: no token, a bad one, no scope, a reader, a customer, a
    /// service, an operator.
    static func table(_ suite: GuardedSuite, _ callers: Callers, _ id: String) async throws {
        typealias Row = (method: HTTPMethod, service: ServiceName, path: String, admin: Bool, expected: [Int])
        let services = [401, 401, 403, 403, 403, 200, 200]
        let operators = [401, 401, 403, 403, 403, 403, 200]
        var rows: [Row] = [
            (.get, .order, "/v1/orders", false, [401, 401, 403, 200, 200, 200, 200]),
            (.get, .order, "/v1/orders/\(id)", false, [401, 401, 403, 200, 200, 200, 200]),
            (.head, .order, "/v1/orders/\(id)", false, [401, 401, 403, 200, 200, 200, 200]),
            // A body that is not JSON: who may not place orders does not learn that.
            (.post, .order, "/v1/orders", false, [401, 401, 403, 403, 400, 400, 400]),
            // The body is broken, which only who may cancel learns.
            (.post, .order, "/v1/orders/\(id)/cancellation", false, [401, 401, 403, 403, 400, 400, 400]),
            // Without the headers of an event: who may not send commands does not learn that.
            (.post, .inventory, "/v1/commands", false, [401, 401, 403, 403, 403, 400, 400]),
            (.post, .payment, "/v1/commands", false, [401, 401, 403, 403, 403, 400, 400]),
            (.post, .shipping, "/v1/commands", false, [401, 401, 403, 403, 403, 400, 400]),
            (.get, .order, "/admin/sagas", true, operators),
            (.get, .order, "/admin/sagas/\(id)", true, operators),
            (.get, .inventory, "/v1/items", false, [401, 401, 200, 200, 200, 200, 200]),
            (.get, .inventory, "/v1/items/LAMP", false, [401, 401, 200, 200, 200, 200, 200]),
            (.put, .inventory, "/v1/items/LAMP", false, [401, 401, 403, 403, 403, 403, 400]),
            (.post, .inventory, "/v1/items/LAMP/receipts", false, [401, 401, 403, 403, 403, 403, 400]),
            (.get, .inventory, "/v1/reservations/\(id)", false, services),
            (.get, .payment, "/v1/payments?orderId=\(id)", false, services),
            (.get, .shipping, "/v1/shipments?orderId=\(id)", false, services),
            (.get, .payment, "/v1/payments/none", false, [401, 401, 403, 403, 403, 404, 404]),
            (.get, .shipping, "/v1/shipments/none", false, [401, 401, 403, 403, 403, 404, 404]),
        ]
        for service in ServiceName.allCases {
            rows.append((.get, service, "/v1/audit", false, operators))
            rows.append((.get, service, "/admin/config", true, operators))
            rows.append((.get, service, "/v1/nowhere", false, Array(repeating: 404, count: 7)))
            for path in ["/health/live", "/health/ready", "/health/startup", "/metrics"] {
                rows.append((.get, service, path, true, Array(repeating: 200, count: 7)))
            }
        }
        let tokens = [
            nil, callers.forged, callers.scopeless, callers.reader, callers.customer, callers.service,
            callers.operator,
        ]
        for row in rows {
            var statuses: [Int] = []
            for token in tokens {
                let response = try await suite.send(
                    row.method, row.service, row.path, token: token,
                    body: row.method == .post || row.method == .put ? "{" : nil,
                    key: row.method == .post ? "table" : nil, admin: row.admin)
                statuses.append(response.status.code)
                let isRefused = response.status == .unauthorized
                #expect((response.fields["WWW-Authenticate"] != nil) == (isRefused || response.status == .forbidden))
            }
            #expect(statuses == row.expected, "\(row.method) \(row.service.rawValue) \(row.path)")
        }
    }

    @Test("a service that could not say who it is does not start", arguments: ProcessTests.services)
    func identity(service: String) async throws {
        let environment = ProcessTests.settings.merging(
            ["AUTH": "jwt", "AUTH_JWKS_FILE": "/nowhere/keys.json"]) { $1 }
        let (child, log) = try await ProcessTests.start(service, ["config"], environment)
        let callsOthers = service == "order-service"
        #expect(try await child.exit() == .code(callsOthers ? 78 : 0))
        #expect(ProcessTests.text(log).contains("- AUTH_TOKEN_FILE is not set") == callsOthers)
    }

    @Test("the token command says what it lacks")
    func tokenCommand() async throws {
        let (child, log) = try await ProcessTests.start("order-service", ["token", "--sub", "c-1"], ["AUTH": "jwt"])
        #expect(try await child.exit() == .code(78))
        #expect(ProcessTests.text(log).contains("AUTH_SECRET"))
    }
}

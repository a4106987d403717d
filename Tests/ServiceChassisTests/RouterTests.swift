import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Telemetry
import Testing

@Suite("Routing")
struct RouterTests {
    static let handler: RequestHandler = {
        var router = Router()
        router.get("/v1/orders", access: .everyone, query: ["status"] + PageRequest.parameters) { context in
            let page = try context.page(filter: [try context.queryText("status")])
            return .json(Array("{\"limit\":\(page.limit)}".utf8))
        }
        router.post("/v1/orders", access: .everyone) { context in
            let quantity = try context.decode { $0.integer("quantity", in: 1...1000) }
            return .json(Array("{\"quantity\":\(quantity)}".utf8), status: .accepted)
        }
        router.get("/v1/orders/{id}", access: .everyone) { context in
            .json(Array("{\"id\":\"\(try context.identifier("id"))\"}".utf8))
        }
        router.get("/v1/orders/latest", access: .everyone) { _ in .json(Array("\"latest\"".utf8)) }
        router.post("/v1/orders/{id}/cancellation", access: .everyone, body: .optionalJSON) { context in
            if let document = try context.optionalDocument() { _ = try context.decode(document) { _ in 0 } }
            return .json(Array("{}".utf8), status: .accepted)
        }
        router.get("/v1/items/{sku}", access: .everyone) { .json(Array($0.parameters["sku"].utf8)) }
        router.put("/v1/items/{sku}", access: .everyone) { _ in .json(Array("{}".utf8)) }
        return .test(router)
    }()

    static let json: HTTPFields = ["Content-Type": "application/json"]
    static let id = "0192f0c1-2345-7abc-8def-0123456789ab"

    @Test("a path is matched segment by segment, and fixed segments win over parameters")
    func matches() async {
        #expect(await Self.handler.send(.get, "/v1/orders/\(Self.id)").text == "{\"id\":\"\(Self.id)\"}")
        #expect(await Self.handler.send(.get, "/v1/orders/latest").text == "\"latest\"")
        #expect(await Self.handler.send(.get, "/v1/items/a%2Fb").text == "a/b")
        #expect(await Self.handler.send(.get, "/%76%31/items/x").text == "x")
    }

    @Test(
        "an unknown path and an id of whatever form are not found",
        arguments: [
            "/", "/v1", "/v1/orders/", "/v1//orders", "//v1/orders", "/v1/orders/\(id)/", "/v1/Orders", "/v2/orders",
            "/v1/orders/\(id)/nothing", "/v1/orders/42", "/v1/orders/not-an-id", "/v1/orders/%20", "/v1/orders/..",
            "/v1/orders/\(id)x", "/v1/./orders", "*",
        ])
    func notFound(target: String) async {
        let response = await Self.handler.send(.get, target)
        #expect(response.status == .notFound)
        #expect(response.slug == "not-found")
    }

    @Test(
        "a path that cannot be decoded is malformed",
        arguments: ["/v1/orders/%", "/v1/orders/%2", "/v1/orders/%zz", "/v1/orders/%00", "/v1/orders/%ff", "/%c3%28"])
    func malformedPath(target: String) async {
        let response = await Self.handler.send(.get, target)
        #expect(response.status == .badRequest)
        #expect(response.slug == "malformed-request")
    }

    @Test(
        "another method on a known path is told which there are",
        arguments: [
            ("DELETE", "/v1/orders", "GET, HEAD, POST"), ("PUT", "/v1/orders", "GET, HEAD, POST"),
            ("POST", "/v1/orders/\(id)", "GET, HEAD"), ("GET", "/v1/orders/\(id)/cancellation", "POST"),
            ("HEAD", "/v1/orders/\(id)/cancellation", "POST"), ("OPTIONS", "/v1/items/x", "GET, HEAD, PUT"),
            ("BREW", "/v1/orders", "GET, HEAD, POST"), ("get", "/v1/orders", "GET, HEAD, POST"),
        ])
    func methodNotAllowed(method: String, target: String, allow: String) async {
        let response = await Self.handler.send(HTTPMethod(method), target)
        #expect(response.status == .methodNotAllowed)
        #expect(response.slug == "method-not-allowed")
        #expect(response.fields["Allow"] == allow)
    }

    @Test("HEAD is answered wherever GET is")
    func head() async {
        let response = await Self.handler.send(.head, "/v1/orders/\(Self.id)")
        #expect(response.status == .ok)
        #expect(response.fields["Content-Type"] == "application/json")
    }

    @Test(
        "a query parameter that is unknown, given twice or out of range is named",
        arguments: [
            ("customerID=1", "customerID"), ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"),
            ("limit=1.0", "limit"), ("limit=", "limit"), ("limit=+5", "limit"), ("limit=5&limit=5", "limit"),
            ("limit=99999999999999999999", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor"),
            ("status=%zz", "status"), ("status=%00", "status"), ("status=a&status=b", "status"), ("limit=%F0", "limit"),
        ])
    func badQuery(query: String, name: String) async {
        let response = await Self.handler.send(.get, "/v1/orders?\(query)")
        #expect(response.status == .badRequest)
        #expect(response.slug == "invalid-parameter")
        #expect(response.places == ["parameter \(name)"])
    }

    @Test(
        "a limit from 1 to 100 is taken, and 20 without one",
        arguments: [("", 20), ("?limit=1", 1), ("?limit=100", 100)])
    func limit(query: String, limit: Int) async {
        #expect(await Self.handler.send(.get, "/v1/orders\(query)").text == "{\"limit\":\(limit)}")
    }

    @Test(
        "a query on a route that has none is refused",
        arguments: ["/v1/orders/\(id)?x=1", "/v1/orders/\(id)?limit=1"])
    func noQuery(target: String) async {
        #expect(await Self.handler.send(.get, target).slug == "invalid-parameter")
    }

    @Test(
        "a body is checked: kind, form, then content",
        arguments: [
            (json, "{\"quantity\":1}", 202, nil, []), (json, "", 400, "malformed-request", []),
            ([:], "", 400, "malformed-request", []),
            (["Content-Type": "text/plain"], "", 415, "unsupported-media-type", []),
            ([:], "{\"quantity\":1}", 415, "unsupported-media-type", []),
            (["Content-Type": "text/plain"], "{\"quantity\":1}", 415, "unsupported-media-type", []),
            (json, "{", 400, "malformed-request", []), (json, "{}x", 400, "malformed-request", []),
            (json, "[]", 422, "validation-failed", ["pointer #"]),
            (json, "{}", 422, "validation-failed", ["pointer #/quantity"]),
            (
                json, "{\"quantity\":0,\"price\":1}", 422, "validation-failed",
                ["pointer #/quantity", "pointer #/price"]
            ),
            (json, "{\"quantity\":1.0}", 422, "validation-failed", ["pointer #/quantity"]),
            (json, "{\"quantity\":99999999999999999999}", 422, "validation-failed", ["pointer #/quantity"]),
        ] as [(HTTPFields, String, Int, String?, [String])])
    func bodies(fields: HTTPFields, body: String, status: Int, slug: String?, places: [String]) async {
        let response = await Self.handler.send(.post, "/v1/orders", fields, body: body)
        #expect(response.status.code == status)
        #expect(response.slug == slug)
        #expect(response.places == places)
    }

    @Test("malformed JSON is reported with line and column")
    func position() async throws {
        let response = await Self.handler.send(.post, "/v1/orders", Self.json, body: "{\n  \"quantity\": ]\n}")
        let detail = try JSONDocument(parsing: response.bytes ?? []).root["detail"]?.string
        #expect(detail?.contains("line 2, column 15") == true)
    }

    @Test("a body where none is expected is refused, and an optional one may be missing")
    func unexpectedBodies() async {
        let unexpected = await Self.handler.send(.get, "/v1/orders", Self.json, body: "{}")
        #expect(unexpected.slug == "malformed-request")
        let target = "/v1/orders/\(Self.id)/cancellation"
        #expect(await Self.handler.send(.post, target).status == .accepted)
        #expect(await Self.handler.send(.post, target, Self.json, body: "{}").status == .accepted)
        #expect(await Self.handler.send(.post, target, Self.json, body: "{\"a\":1}").status.code == 422)
        #expect(await Self.handler.send(.post, target, body: "{}").status.code == 415)
    }

    @Test("a cursor of one list does not page another, nor the same one under another filter")
    func cursors() async throws {
        let cursor = ListCursor(list: "/v1/orders", filter: ["pending"]).issue(.text("x"))
        #expect(await Self.handler.send(.get, "/v1/orders?status=pending&cursor=\(cursor)").status == .ok)
        #expect(await Self.handler.send(.get, "/v1/orders?cursor=\(cursor)").places == ["parameter cursor"])
        #expect(await Self.handler.send(.get, "/v1/orders?status=x&cursor=\(cursor)").places == ["parameter cursor"])
    }

    @Test("a page has a cursor only when another follows it")
    func pages() throws {
        let request = PageRequest(limit: 2, cursor: ListCursor(list: "/v1/items"))
        #expect(request.fetchLimit == 3)
        let more = request.page(["a", "b", "c"]) { .text($0) }
        #expect(more.items == ["a", "b"])
        #expect(try ListCursor(list: "/v1/items").read(more.nextCursor ?? "") == .text("b"))
        let last = request.page(["a", "b"]) { .text($0) }
        #expect(last.nextCursor == nil)
        #expect(last.response { $0.value($1) }.text == "{\"items\":[\"a\",\"b\"],\"nextCursor\":null}")
    }
}

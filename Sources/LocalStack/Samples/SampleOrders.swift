import Clocks
import HTTPClient
import HTTPCodec
import JSON

/// Why a sample could not be placed.
package enum SampleError: Error, Sendable {
    case call(HTTPClientError)
    case answer(method: String, url: String, status: Int, body: String)
    case cancelled
}

extension SampleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .call(let error): "\(error)"
        case .answer(let method, let url, let status, let body):
            "\(method) \(url) was answered with \(status): \(body)"
        case .cancelled: "stopped"
        }
    }
}

/// Uses the services as a customer would, to show that they work.
package struct SampleOrders: Sendable {
    package var client: HTTPClient
    package var inventory: String
    package var orders: String
    package var time: any TimeSource
    package var random: any RandomSource

    /// Adds the sample items that are missing and gives stock to those that never had any: what an operator
    /// changed stays as it is.
    package func stockCatalogue() async throws(SampleError) {
        for item in SampleCatalogue.items {
            let url = "\(inventory)/v1/items/\(item.sku)"
            let present = try await send(.get, url, accepting: [200, 404])
            if present == nil {
                var json = JSONWriter()
                json.object {
                    $0.member("name", item.name)
                    $0.object("unitPrice") {
                        $0.member("amount", item.cents)
                        $0.member("currency", SampleCatalogue.currency)
                    }
                }
                try await send(.put, url, json.bytes, accepting: [200, 201])
            }
            guard present?.root["received"]?.int64 ?? 0 == 0 else { continue }
            var json = JSONWriter()
            json.object { $0.member("quantity", item.quantity) }
            // The key keeps a second start, should it come before the first one's answer, from adding stock again.
            try await send(
                .post, url + "/receipts", json.bytes, fields: [("Idempotency-Key", "sample-stock-\(item.sku)")],
                accepting: [201])
        }
    }

    /// Places the sample orders and returns what became of them.
    package func place() async throws(SampleError) -> [OrderReport] {
        var ids: [String] = []
        for order in SampleCatalogue.orders {
            let key = UUID.version7(at: time.wallNow, random: AnyRandom(source: random))
            let answer = try await send(
                .post, orders + "/v1/orders", Self.body(order),
                fields: [("Idempotency-Key", "sample-\(key)"), ("Prefer", "wait=20")], accepting: [200, 202])
            ids.append(answer?.root["id"]?.string ?? "")
        }
        var reports: [OrderReport] = []
        for id in ids { reports.append(OrderReport(try await settled(id))) }
        return reports
    }

    /// The order once none of its steps is under way any more; as it is, when that takes too long.
    private func settled(_ id: String) async throws(SampleError) -> JSONValue {
        let deadline = time.now.advanced(by: .seconds(10))
        while true {
            guard let order = try await send(.get, "\(orders)/v1/orders/\(id)", accepting: [200])?.root else {
                throw .cancelled
            }
            let steps = order["timeline"].map { Array($0.elements) } ?? []
            let isMoving =
                order["status"]?.string == "pending"
                || steps.contains { ["pending", "parked"].contains($0["status"]?.string) }
            if !isMoving || time.now >= deadline { return order }
            guard (try? await time.sleep(for: .milliseconds(50))) != nil else { throw .cancelled }
        }
    }

    private static func body(_ order: SampleCatalogue.Order) -> [UInt8] {
        var json = JSONWriter()
        json.object {
            $0.member("customerId", "sample-customer")
            $0.member("currency", SampleCatalogue.currency)
            $0.array("lines", order.lines) { json, line in
                json.object {
                    $0.member("sku", line.sku)
                    $0.member("quantity", line.quantity)
                }
            }
            $0.object("payment") { $0.member("token", order.token) }
            $0.object("shipTo") {
                $0.member("name", "Ada Example")
                $0.member("street", "Harbour Street 1")
                $0.member("city", "Bremen")
                $0.member("postalCode", "28195")
                $0.member("country", "DE")
            }
        }
        return json.bytes
    }

    /// Sends a request and returns the answer's document; nil for a 404 that is accepted.
    @discardableResult
    private func send(
        _ method: HTTPMethod, _ url: String, _ body: [UInt8]? = nil, fields: [(String, String)] = [],
        accepting statuses: [Int]
    ) async throws(SampleError) -> JSONDocument? {
        var request = HTTPClientRequest(method, url: url, body: body)
        if body != nil { request.fields.append("Content-Type", "application/json") }
        for (name, value) in fields { request.fields.append(name, value) }
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await client.execute(request, deadline: time.now.advanced(by: .seconds(30)))
        } catch {
            throw .call(error)
        }
        let status = Int(response.status.code)
        let document = try? JSONDocument(parsing: response.body)
        guard statuses.contains(status), status == 404 || document != nil else {
            throw .answer(
                method: "\(method)", url: url, status: status, body: String(decoding: response.body, as: UTF8.self))
        }
        return status == 404 ? nil : document
    }
}

/// `UUID.version7` wants one type of source, not any.
private struct AnyRandom: RandomSource {
    var source: any RandomSource
    func next() -> UInt64 { source.next() }
}

import Clocks
import HTTPClient
import HTTPCodec
import Invariants
import JSON
import LocalStack
import TestSupport

/// Talks to a running stack as a customer and as an operator do.
struct StackClient: Sendable {
    let stack: TestStack
    private let client: HTTPClient
    private let time = SystemTime()

    init(_ stack: TestStack) {
        self.stack = stack
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerAuthority = 64
        client = HTTPClient(configuration: configuration, time: time)
    }

    func close() async {
        await client.shutdown()
    }

    func send(
        _ method: HTTPMethod, _ url: String, body: String? = nil, fields: [(String, String)] = []
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        var all = HTTPFields()
        if body != nil, !fields.contains(where: { $0.0 == "Content-Type" }) {
            all.append("Content-Type", "application/json")
        }
        for (name, value) in fields { all.append(name, value) }
        return try await client.execute(
            HTTPClientRequest(method, url: url, fields: all, body: body.map { Array($0.utf8) }),
            deadline: time.now.advanced(by: .seconds(30)))
    }

    // MARK: As an operator

    /// Adds an item and stock of it.
    func stock(_ sku: String, price: Int64, quantity: Int64) async throws {
        let item = stack.api(.inventory) + "/v1/items/\(sku)"
        let put = try await send(
            .put, item, body: #"{"name":"Thing","unitPrice":{"amount":\#(price),"currency":"EUR"}}"#)
        let receipt = try await send(
            .post, item + "/receipts", body: #"{"quantity":\#(quantity)}"#,
            fields: [("Idempotency-Key", "stock-\(sku)")])
        guard put.status.code < 300, receipt.status == .created else {
            throw StackClientError(description: "\(sku) could not be stocked: \(put.status), \(receipt.status)")
        }
    }

    func audits() async throws -> Audits {
        var audits = Audits()
        for service in ServiceName.allCases {
            try audits.add(try await send(.get, stack.api(service) + "/v1/audit").body)
        }
        return audits
    }

    /// The books once nothing is under way any more.
    func auditsAtRest(within patience: Duration = .seconds(90)) async throws -> Audits {
        let deadline = time.now.advanced(by: patience)
        while true {
            // The four are asked one after the other: what the last one of them had still to do, the first was asked before.
            if let first = try? await audits(), first.isAtRest || time.now > deadline, let second = try? await audits(),
                second.isAtRest || time.now > deadline
            {
                return second
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    // MARK: As a customer

    /// Places an order and does not give up before there is an answer: whatever breaks, asking again with the same key
    /// tells the truth.
    func place(_ order: StormOrder, replica: Int = 1) async throws -> HTTPClientResponse {
        let deadline = time.now.advanced(by: .seconds(60))
        while true {
            let response = try? await send(
                .post, stack.api(.order, replica: replica) + "/v1/orders", body: order.body,
                fields: [("Idempotency-Key", order.key)])
            if let response, response.status == .accepted || response.status.code / 100 == 4 { return response }
            guard time.now < deadline else {
                throw StackClientError(description: "no answer for \(order.key): \(String(describing: response))")
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    func order(_ id: String) async throws -> ObservedOrder {
        try ObservedOrder(try await send(.get, stack.api(.order) + "/v1/orders/\(id)").body)
    }
}

/// What the stack did not do.
struct StackClientError: Error, CustomStringConvertible {
    var description: String
}

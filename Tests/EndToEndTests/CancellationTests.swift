import Clocks
import HTTPClient
import Invariants
import JSON
import LocalStack
import TestSupport
import Testing

/// Customers who change their minds, at one replica while the other takes the replies, and operators who look and meddle.
@Suite("Cancelling, and what operators do", .serialized)
struct CancellationTests {
    private static let shared = Task {
        var options = StackOptions()
        options.replicas[.order] = 2
        let stack = try await TestStack.start(options)
        try await stack.waitUntilReady()
        let client = StackClient(stack)
        try await client.stock("LAMP", price: 1999, quantity: 1_000)
        return client
    }

    private let time = SystemTime()

    private static func order(_ token: String, country: String = "DE", quantity: Int = 1) -> String {
        #"{"customerId":"c-1","currency":"EUR","lines":[{"sku":"LAMP","quantity":\#(quantity)}],"payment":{"token":"\#(token)"},"shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"\#(country)"}}"#
    }

    private func place(
        _ client: StackClient, _ key: String, token: String = "tok_ok", country: String = "DE", wait: Int = 0
    ) async throws -> String {
        let fields = [("Idempotency-Key", key)] + (wait > 0 ? [("Prefer", "wait=\(wait)")] : [])
        let answer = try await client.send(
            .post, client.stack.api(.order) + "/v1/orders", body: Self.order(token, country: country), fields: fields)
        return try JSONDocument(parsing: answer.body).root["id"]?.string ?? ""
    }

    private func cancel(
        _ client: StackClient, _ id: String, replica: Int = 2, body: String? = nil
    ) async throws -> (status: Int, reason: String?, slug: String?) {
        let answer = try await client.send(
            .post, client.stack.api(.order, replica: replica) + "/v1/orders/\(id)/cancellation", body: body)
        let root = try JSONDocument(parsing: answer.body).root
        let slug = root["type"]?.string.map { String($0.split(separator: ":").last ?? "") }
        if answer.status.code == 202 { #expect(root["id"]?.string == id && root["lines"]?.count == 1) }
        return (Int(answer.status.code), root["reason"]?.string, slug)
    }

    private func final(_ client: StackClient, _ id: String) async throws -> ObservedOrder {
        let deadline = time.now.advanced(by: .seconds(30))
        while true {
            let order = try await client.order(id)
            let isMoving = order.status == "pending" || order.timeline.contains { $0.status == "pending" }
            if !isMoving || time.now > deadline { return order }
            try await time.sleep(for: .milliseconds(50))
        }
    }

    @Test("before the pivot an order is undone and ends cancelled, and saying it again says the same")
    func cancelled() async throws {
        let client = try await Self.shared.value
        let id = try await place(client, "slow", token: "tok_slow")
        #expect(try await cancel(client, id) == (202, nil, nil))
        let second = try await cancel(client, id, replica: 1, body: "{}")
        // It may be undone by then.
        #expect(second.status == 202 && second.slug == nil && [nil, "cancelled-by-customer"].contains(second.reason))
        let order = try await final(client, id)
        #expect(order.status == "cancelled" && order.reason == "cancelled-by-customer")
        #expect(order.violations().isEmpty, "\(order.violations())")
        let again = try await cancel(client, id)
        #expect(again.status == 202 && again.reason == "cancelled-by-customer")
    }

    @Test("after a confirmation or a rejection it is refused with the reason")
    func refused() async throws {
        let client = try await Self.shared.value
        let confirmed = try await place(client, "ok", wait: 20)
        #expect(try await cancel(client, confirmed) == (409, "already-confirmed", "cancellation-refused"))
        let declined = try await place(client, "declined", token: "tok_declined", wait: 20)
        #expect(try await cancel(client, declined) == (409, "already-rejected", "cancellation-refused"))
    }

    @Test("what is not there or not right is told")
    func wrong() async throws {
        let client = try await Self.shared.value
        #expect(try await cancel(client, "00000000-0000-7000-8000-000000000000").slug == "not-found")
        #expect(try await cancel(client, "nonsense").slug == "not-found")
        let id = try await place(client, "wrong", token: "tok_slow")
        #expect(try await cancel(client, id, body: #"{"why":1}"#).slug == "validation-failed")
        #expect(try await cancel(client, id, body: "[]").slug == "validation-failed")
        #expect(try await cancel(client, id, body: "{").slug == "malformed-request")
        #expect(try await final(client, id).status == "confirmed", "none of these cancelled it")
    }

    /// Each is cancelled at a moment of its own, at the other replica than the one that took it.
    @Test("racing with the replies, an answer is never a lie")
    func race() async throws {
        let client = try await Self.shared.value
        let random = SeededRandom(seed: 50)
        let plans = (0..<120).map { number in
            (
                number: number, wait: Duration.microseconds(Int64(random.next() % 150_000)),
                token: random.next() % 5 == 0 ? "tok_declined" : "tok_ok", copies: Int(random.next() % 2) + 1
            )
        }
        let answers = try await withThrowingTaskGroup(of: (String, String, Int, String?).self) { group in
            for plan in plans {
                // Some come too late for certain, however slow the machine is.
                let wait = plan.number % 8 == 0 ? 20 : 0
                let id = try await place(client, "race-\(plan.number)", token: plan.token, wait: wait)
                for copy in 0..<plan.copies {
                    group.addTask {
                        try await time.sleep(for: plan.wait)
                        let answer = try await cancel(client, id, replica: copy % 2 + 1)
                        return (id, plan.token, answer.status, answer.reason)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var seen: Set<String> = []
        for (id, token, status, reason) in answers {
            let order = try await final(client, id)
            #expect(order.violations().isEmpty, "\(order.violations())")
            switch status {
            case 202:
                #expect(
                    order.status == "cancelled" || (order.status == "rejected" && token == "tok_declined"),
                    "\(id) was promised to end and is \(order.status)")
            case 409 where reason == "already-confirmed": #expect(order.isConfirmed, "\(id) is \(order.status)")
            case 409: #expect(order.status == "rejected" && reason == "already-rejected", "\(id) is \(order.status)")
            default: Issue.record("\(id) was answered \(status)")
            }
            seen.insert("\(status) \(order.isConfirmed ? "confirmed" : order.status)")
        }
        #expect(seen.contains("202 cancelled") && seen.contains("409 confirmed"), "\(seen)")
    }

    @Test("an operator finds a saga, undoes it before the pivot and not behind it, by the CLI too")
    func operators() async throws {
        let client = try await Self.shared.value
        let admin = client.stack.admin(.order, replica: 2)
        let id = try await place(client, "operated", token: "tok_slow")
        let found =
            try JSONDocument(
                parsing: try await client.send(.get, admin + "/admin/sagas?status=running&limit=100").body
            ).root["items"]?.elements.compactMap { $0["id"]?.string } ?? []
        #expect(found.contains(id))
        let (code, text) = try await cli(["show", id], admin)
        #expect(code == .code(0) && text.contains("reserve-stock") && text.contains("running"), "\(text)")
        #expect(try await cli(["retry", id], admin).0 == .code(0))
        #expect(try await cli(["compensate", id], admin).0 == .code(0))
        let order = try await final(client, id)
        #expect(order.status == "rejected" && order.reason == "timed-out")
        let confirmed = try await place(client, "operated-late", wait: 20)
        let late = try await cli(["compensate", confirmed], admin)
        #expect(late.0 == .code(1) && late.1.contains("the point of no return is passed"), "\(late.1)")
        #expect(try await cli(["redrive", confirmed], admin).0 == .code(1))
        let all = try await cli(["redrive", "--all", "refund-payment"], admin)
        #expect(all.0 == .code(0) && all.1.contains("0 taken up again"), "\(all.1)")
        #expect(try await cli(["redrive", "--all", "nonsense"], admin).0 == .code(1))
        #expect(try await cli(["list", "--status", "quarantined", "--older-than", "60"], admin).1.contains("0 sagas"))
        #expect(try await cli(["dance"], admin).0 == .code(2))
        #expect(try await cli(["show", "00000000-0000-7000-8000-000000000000"], admin).0 == .code(1))
    }

    private func cli(_ arguments: [String], _ admin: String) async throws -> (ChildExit, String) {
        let log = try await TestFolder.make("saga") + "/out"
        let child = try await ChildProcess.start(
            Launch(BuiltPrograms.path("holdfast"), ["saga"] + arguments + ["--url", admin], logFile: log))
        let exit = try await child.exit()
        return (exit, child.lastLines(50).joined(separator: "\n"))
    }

    /// Last in the suite.
    @Test("afterwards the books agree")
    func afterwards() async throws {
        let client = try await Self.shared.value
        let audits = try await client.auditsAtRest()
        #expect(audits.violationsAtRest().isEmpty, "\(audits.violationsAtRest())")
        await client.close()
        #expect(await client.stack.stop() == .code(0))
    }
}

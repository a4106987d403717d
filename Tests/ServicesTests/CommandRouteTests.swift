import Clocks
import Contracts
import HTTPCodec
import JSON
import Messaging
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@testable import InventoryService

/// `POST /v1/commands` of inventory-service on a real database.
@Suite("Commands over HTTP", .timeLimit(.minutes(2)))
struct CommandRouteTests {
    /// A participant with both its ways in.
    private struct Participant: Sendable {
        let bench: ServiceBench
        let processor: MessageProcessor
        let handler: RequestHandler

        func send(_ fields: HTTPFields, _ body: [UInt8]) async -> HTTPResponse {
            await handler.handle(HTTPRequest(method: .post, target: "/v1/commands", fields: fields, body: body))
        }

        func send(_ message: IncomingMessage) async -> HTTPResponse {
            await send(message.envelope.httpFields, message.envelope.payload)
        }

        func reserve(_ order: UUID, _ quantity: Int64 = 3, deadline: Timestamp? = nil) -> IncomingMessage {
            var message = bench.command(
                MessageType.reserveStock, to: .inventoryCommands, order,
                ReserveStock(orderID: order, lines: [OrderLine(sku: "A", quantity: quantity)]).encoded)
            message.envelope.deadline = deadline
            return message
        }

        func stock() async throws -> String {
            try await bench.value("SELECT concat_ws(' ', available, reserved, shipped) FROM items")
        }
    }

    private func with(_ body: @escaping @Sendable (Participant) async throws -> Void) async throws {
        try await ServiceBench.with(InventorySchema.migrations) { bench, _ in
            try await bench.run(
                """
                INSERT INTO items (sku, name, unit_price_amount, unit_price_currency, received, available)
                VALUES ('A', 'a', 100, 'EUR', 10, 10)
                """)
            let processor = bench.processor(StockCommandHandler(messages: bench.messages))
            let route = CommandRoute(processor, topic: .inventoryCommands, time: bench.time)
            var router = Router()
            route.add(to: &router)
            let handler = RequestHandler(
                router, authenticator: .off(time: bench.time, logger: .silent), deadline: .seconds(10),
                time: bench.time, logger: .silent, tracer: .disabled(time: bench.time, random: SeededRandom(seed: 1)),
                metrics: nil)
            let group = ServiceGroup([route.part], drain: .seconds(5), time: bench.time) { _ in }
            async let outcome = group.run()
            try await body(Participant(bench: bench, processor: processor, handler: handler))
            group.stop()
            #expect(await outcome == .stopped)
        }
    }

    private func places(_ response: HTTPResponse) throws -> [String] {
        let errors = try JSONDocument(parsing: response.bytes ?? []).root["errors"]
        return errors?.elements.compactMap { $0["header"]?.string ?? $0["pointer"]?.string } ?? []
    }

    @Test("the answer is the reply as an event, and the reply waits for Kafka too")
    func reply() async throws {
        try await with { participant async throws in
            let order = participant.bench.newOrder()
            let answer = await participant.send(participant.reserve(order))
            #expect(answer.status == .ok && answer.fields["Content-Type"] == "application/json")
            let reply = try MessageEnvelope(httpFields: answer.fields, payload: answer.bytes ?? [])
            #expect(reply.type == MessageType.commandReply && reply.orderID == order)
            let decoded = try CommandReply(decoding: reply.payload)
            #expect(decoded == CommandReply(orderID: order, command: "reserve-stock", outcome: .succeeded))
            #expect(try await participant.bench.replies(order) == ["reserve-stock succeeded"])
            #expect(try await participant.stock() == "7 3 0")
        }
    }

    @Test("a repeat by either way gets the recorded reply and has no second effect")
    func bothWays() async throws {
        try await with { participant async throws in
            let (first, second) = (participant.bench.newOrder(), participant.bench.newOrder())
            let byHTTP = participant.reserve(first)
            let answer = await participant.send(byHTTP)
            try await participant.processor.process([byHTTP])
            #expect(await participant.send(byHTTP).bytes == answer.bytes)
            let byKafka = participant.reserve(second)
            try await participant.processor.process([byKafka])
            let late = await participant.send(byKafka)
            #expect(late.status == .ok)
            #expect(try CommandReply(decoding: late.bytes ?? []).outcome == .succeeded)
            #expect(try await participant.stock() == "4 6 0")
        }
    }

    @Test("many at once, some of them the same, are written together and answered each")
    func many() async throws {
        try await with { participant async throws in
            let orders = (0..<40).map { _ in participant.bench.newOrder() }
            let messages = orders.map { participant.reserve($0, 1) }
            let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
                for message in messages + messages.prefix(20) {
                    group.addTask {
                        let answer = await participant.send(message)
                        return try CommandReply(decoding: answer.bytes ?? []).outcome.rawValue
                    }
                }
                return try await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes.values.reduce(0, +) == 60)
            #expect(try await participant.stock() == "0 10 0")
        }
    }

    @Test("a command whose deadline has passed is answered so, and stays without effect")
    func deadline() async throws {
        try await with { participant async throws in
            // Only a share of those with a deadline may be refused, whatever the clocks say.
            let future = participant.bench.messages.wallNow.advanced(by: .seconds(60))
            for _ in 0..<5 {
                _ = await participant.send(participant.reserve(participant.bench.newOrder(), 1, deadline: future))
            }
            let past = participant.bench.messages.wallNow.advanced(by: .seconds(-60))
            let late = participant.reserve(participant.bench.newOrder(), 1, deadline: past)
            for _ in 0..<2 {
                let reply = try CommandReply(decoding: await participant.send(late).bytes ?? [])
                #expect(reply.outcome == .failed && reply.reason == .timedOut)
            }
            #expect(try await participant.stock() == "5 5 0")
        }
    }

    @Test("structured mode is understood as well")
    func structured() async throws {
        try await with { participant async throws in
            let order = participant.bench.newOrder()
            let event = """
                {"specversion":"1.0","id":"\(participant.bench.newOrder())","source":"/test","subject":"\(order)",
                 "type":"\(MessageType.reserveStock)","time":"2026-01-01T00:00:00.000Z","deadline":"99999999999999",
                 "datacontenttype":"application/json","extension":1,
                 "data":{"orderId":"\(order)","lines":[{"sku":"A","quantity":2}],"more":true}}
                """
            let answer = await participant.send(
                ["Content-Type": "application/cloudevents+json; charset=utf-8"], Array(event.utf8))
            #expect(answer.status == .ok && answer.fields["ce-subject"] == order.description)
            #expect(try await participant.stock() == "8 2 0")
            let broken = event.replacing("\"quantity\":2", with: "\"quantity\":0").replacing("\"1.0\"", with: "\"2\"")
            let refused = await participant.send(
                ["Content-Type": "application/cloudevents+json"], Array(broken.utf8))
            #expect(refused.status.code == 422)
            #expect(try places(refused).sorted() == ["#/data/lines/0/quantity", "#/specversion"])
        }
    }

    @Test("each header that is missing or wrong is named, and nothing is done")
    func headers() async throws {
        try await with { participant async throws in
            let message = participant.reserve(participant.bench.newOrder())
            for name in ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject"] {
                var fields = message.envelope.httpFields
                fields.remove(name)
                let answer = await participant.send(fields, message.envelope.payload)
                #expect(answer.status.code == 400)
                #expect(try places(answer) == [name])
            }
            for (name, value) in [
                ("ce-specversion", "0.3"), ("ce-id", "7"), ("ce-time", "noon"), ("ce-subject", "x"), ("deadline", "-1"),
                ("ce-type", MessageType.chargePayment), ("ce-type", "holdfast.inventory.reserve-stock.v9"),
            ] {
                var fields = message.envelope.httpFields
                fields.set(name, value)
                let answer = await participant.send(fields, message.envelope.payload)
                #expect(answer.status.code == 400, "\(name): \(value)")
                #expect(try places(answer) == [name])
            }
            let none = await participant.send(["Content-Type": "application/json"], Array("{}".utf8))
            #expect(try places(none).count == 6)
            #expect(try await participant.stock() == "10 0 0")
        }
    }

    @Test("a body that is no such command is refused with the place of each fault")
    func bodies() async throws {
        try await with { participant async throws in
            let order = participant.bench.newOrder()
            let fields = participant.reserve(order).envelope.httpFields
            func status(_ body: String, _ type: String = "application/json") async -> Int {
                var fields = fields
                fields.set("Content-Type", type)
                return await participant.send(fields, Array(body.utf8)).status.code
            }
            #expect(await status("") == 400)
            #expect(await status("{") == 400)
            #expect(await status("{}", "text/plain") == 415)
            #expect(await status("[]", "application/cloudevents-batch+json") == 415)
            let empty = await participant.send(fields, Array("{}".utf8))
            #expect(empty.status.code == 422)
            #expect(try places(empty) == ["#/orderId", "#/lines"])
            let other = ReserveStock(
                orderID: participant.bench.newOrder(), lines: [OrderLine(sku: "A", quantity: 1)]
            ).encoded
            #expect(try places(await participant.send(fields, other)) == ["#/orderId"])
            #expect(try await participant.stock() == "10 0 0")
        }
    }

    @Test("a command that meets a state it cannot follow is parked, once, and answered later or never")
    func conflict() async throws {
        try await with { participant async throws in
            let order = participant.bench.newOrder()
            let commit = participant.bench.command(
                MessageType.commitStock, to: .inventoryCommands, order, CommitStock(orderID: order).encoded)
            for _ in 0..<2 {
                let answer = await participant.send(commit)
                #expect(answer.status == .accepted && answer.fields["Retry-After"] == "1")
            }
            #expect(try await participant.bench.value("SELECT count(*)::text FROM parked_messages") == "1")
        }
    }
}

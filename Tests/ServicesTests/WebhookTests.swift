import Clocks
import Contracts
import Messaging
import Postgres
import ServiceChassis
import TestSupport
import Testing

@testable import PaymentService
@testable import ShippingService

@Suite("Webhooks of providers and carriers", .serialized, .timeLimit(.minutes(2)))
struct WebhookTests {
    private func bank(_ body: @Sendable (Bank, ProviderDouble, Webhook) async throws -> Void) async throws {
        try await Bank.withHTTP { bank, double in
            var router = Router()
            let worker = bank.worker
            ProviderEventRoute(postgres: bank.bench.client, webhooks: Webhook.reader(bank.bench.time)) {
                worker.notify()
            }.add(to: &router)
            try await body(bank, double, Webhook(router))
        }
    }

    private func yard(
        _ carrier: BuiltinCarrier? = nil, _ body: @escaping @Sendable (Yard, Webhook) async throws -> Void
    ) async throws {
        let run: @Sendable (Yard) async throws -> Void = { yard in
            var router = Router()
            let worker = yard.worker
            CarrierEventRoute(shipments: yard.open, webhooks: Webhook.reader(yard.bench.time)) {
                worker.notify()
            }.add(to: &router)
            try await body(yard, Webhook(router))
        }
        if let carrier {
            try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in try await run(Yard(bench, carrier)) }
        } else {
            try await Yard.withHTTP(tracking: .seconds(600)) { yard, _ in try await run(yard) }
        }
    }

    @Test("only what is signed, now, under our secret is heard; then it has to be an event")
    func signatures() async throws {
        try await bank { _, _, webhook in
            let path = "/v1/provider-events"
            let event = Webhook.body("charge.captured", "00000000-0000-7000-8000-000000000000")
            #expect(await webhook.send(path, event) == 202, "a key that is not known is not our affair")
            #expect(await webhook.send(path, Webhook.body("charge.captured", "other system's")) == 202)
            #expect(await webhook.send(path, event, secret: nil) == 401)
            #expect(await webhook.send(path, event, secret: "another") == 401)
            #expect(await webhook.send(path, event, age: .seconds(299)) == 202)
            #expect(await webhook.send(path, event, age: .seconds(302)) == 401)
            #expect(await webhook.send(path, event, age: .seconds(-302)) == 401)
            #expect(await webhook.send(path, "{\"id\":") == 400)
            #expect(await webhook.send(path, "{\"id\":\"evt\"}") == 422)
            #expect(await webhook.send(path, "{", secret: nil) == 401, "who is not known learns nothing")
        }
    }

    @Test("a webhook makes the provider be asked at once, and is not believed")
    func nudge() async throws {
        try await bank { bank, double, webhook in
            double.fail("charge", .hold)
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order)])
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            try await bank.bench.run("UPDATE payments SET due_at = statement_timestamp() + interval '1 hour'")
            let event = Webhook.body("charge.captured", try await bank.id(order).description)
            #expect(await webhook.send("/v1/provider-events", event) == 202)
            let asked = try await bank.open.claim(limit: 1)
            #expect(asked.map(\.call) == [.query])
            for item in asked { await bank.open.work(on: item) }
            #expect(try await bank.payment(order) == "pending 0 0 1", "the provider says otherwise")
            double.decide()
            #expect(await webhook.send("/v1/provider-events", event) == 202)
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            #expect(try await bank.payment(order) == "captured 1250 0 1")
            #expect(await webhook.send("/v1/provider-events", event) == 202)
            #expect(try await bank.open.claim(limit: 1).isEmpty, "there is nothing left to ask")
        }
    }

    @Test("a webhook that comes while the provider is being asked is remembered until the answer is there")
    func nudgeUnderClaim() async throws {
        try await bank { bank, double, webhook in
            double.fail("charge", .hold)
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order)])
            let item = try #require(try await bank.open.claim(limit: 1).first)
            let answer = try await bank.provider.perform(item.call, for: item.payment)
            double.decide()
            let event = Webhook.body("charge.captured", try await bank.id(order).description)
            #expect(await webhook.send("/v1/provider-events", event) == 202)
            #expect(try await bank.open.claim(limit: 1).isEmpty, "nobody asks beside whoever has claimed it")
            #expect(try await bank.open.record(answer, to: item) == nil)
            let next = try await bank.open.untilNextDue()
            #expect(try #require(next) <= .zero)
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            #expect(try await bank.payment(order) == "captured 1250 0 1")
        }
    }

    @Test("money that a void charge is said to have taken is looked for, and given back")
    func captureAfterVoid() async throws {
        try await bank { bank, double, webhook in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order)])
            let sleeper = try #require(try await bank.open.claim(limit: 1).first)
            try await bank.bench.run(
                "UPDATE payments SET standing = 'unsent', claimed_until = NULL")
            try await bank.processor.process([bank.refund(order)])
            #expect(try await bank.payment(order) == "declined 0 0 1")
            _ = try await bank.provider.perform(sleeper.call, for: sleeper.payment)
            #expect(double.entry(try await bank.id(order))?.status == "captured")
            try await bank.working {
                let event = Webhook.body("charge.captured", try await bank.id(order).description)
                #expect(await webhook.send("/v1/provider-events", event) == 202)
                try await bank.bench.eventually("the money is back") {
                    try await bank.payment(order) == "refunded 1250 1250 1"
                }
            }
            #expect(double.entry(try await bank.id(order))?.refunded == 1250)
        }
    }

    @Test("goods move forward when the carrier tells, once each, in whatever order it tells")
    func carrier() async throws {
        try await yard { yard, webhook in
            let orders = (0..<2).map { _ in yard.bench.newOrder() }
            try await yard.working {
                try await yard.processor.process(orders.map { yard.book($0) })
                for order in orders { try await yard.settled(order, replies: 1) }
                try await yard.processor.process(orders.map { yard.confirmed($0) })
                for (order, types) in zip(
                    orders,
                    [
                        ["booking.dispatched", "booking.dispatched", "booking.delivered", "booking.delivered"],
                        ["booking.delivered", "booking.dispatched", "booking.cancelled", "booking.new"],
                    ])
                {
                    for type in types {
                        let event = Webhook.body(type, try await yard.id(order).description)
                        #expect(await webhook.send("/v1/carrier-events", event) == 202)
                    }
                    #expect(try await yard.status(order) == "delivered")
                    #expect(
                        try await yard.bench.events(order) == [
                            MessageType.shipmentDispatched, MessageType.shipmentDelivered,
                        ])
                }
            }
        }
    }

    @Test("the builtin carrier with its clocks off leaves the goods to webhooks")
    func builtinOff() async throws {
        try await yard(BuiltinCarrier(dispatchDelay: nil, deliveryDelay: nil)) { yard, webhook in
            let order = yard.bench.newOrder()
            try await yard.processor.process([yard.book(order), yard.confirmed(order)])
            #expect(try await yard.open.untilNextDue() == nil)
            let id = try await yard.id(order).description
            #expect(await webhook.send("/v1/carrier-events", Webhook.body("booking.dispatched", id)) == 202)
            #expect(try await yard.status(order) == "dispatched")
            #expect(await webhook.send("/v1/carrier-events", Webhook.body("booking.delivered", id), secret: nil) == 401)
            #expect(try await yard.status(order) == "dispatched")
            #expect(await webhook.send("/v1/carrier-events", Webhook.body("booking.delivered", id)) == 202)
            #expect(try await yard.status(order) == "delivered")
        }
    }
}

import Messaging
import Resilience
import SagaRuntime
import ServiceChassis

/// order-service: orders, the saga that takes them through the other services, and the public API.
package let orderService = ServiceDefinition<OrderConfiguration>(
    name: "order-service", migrations: OrderSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: OrderSchema.migrations)
    let messaging = try chassis.messaging(
        configuration.kafka, configuration.database, database, hasFallback: configuration.commandChannel != .kafka)
    let calls = chassis.outgoingCalls()
    let metrics = OrderMetrics(registry: chassis.metrics.registry)
    let admission = OrderAdmission(
        target: configuration.admissionWait, time: chassis.time, registry: chassis.metrics.registry)
    let waiters = OrderWaiters(postgres: database.client, time: chassis.time, log: chassis.logger)
    let notices = OrderNotices(
        postgres: database.client, configuration: chassis.postgresConfiguration(configuration.database),
        waiters: waiters, time: chassis.time, log: chassis.logger)

    let feed = OrderFeed(postgres: database.client, time: chassis.time, log: chassis.logger)
    chassis.health.whenDraining { feed.end() }
    let projector = OrderProjector(postgres: database.client, time: chassis.time, log: chassis.logger) { feed.notify() }
    let view = OrderViewCensus(database.client, feed, chassis)

    let followUp = DueWorker(
        OrderFollowUp(
            postgres: database.client, unitOfWork: messaging.unitOfWork, messages: messaging.messages,
            configuration: OrderFollowUp.Configuration(rules: FollowUpRules(firstWait: configuration.followUp)),
            outboxAge: messaging.outboxAge, time: chassis.time, said: metrics.saidAgain),
        concurrency: 1, time: chassis.time, log: chassis.logger)

    let commands = try CommandDispatch(configuration, chassis, calls, messaging)
    let coordinator = SagaCoordinator(
        process: PlaceOrderProcess(
            definition: try PlaceOrderSaga.definition(), messages: messaging.messages, waiters: waiters,
            notices: notices, projector: projector, metrics: metrics, admission: admission),
        postgres: database.client, unitOfWork: messaging.unitOfWork, channels: commands,
        budgets: chassis.retryBudgets, time: chassis.time, random: chassis.random, log: chassis.logger,
        tracer: chassis.tracer)
    let replies = messaging.processor(coordinator, usesInbox: false)
    commands.connect(
        replies: { try await replies.process($0) },
        parking: { try await coordinator.park($0) })
    let intake = OrderIntake(
        postgres: database.client,
        writer: OrderWriter(
            unitOfWork: messaging.unitOfWork, coordinator: coordinator, messages: messaging.messages,
            metrics: metrics, projector: projector, time: chassis.time, log: chassis.logger),
        time: chassis.time,
        expired: { chassis.metrics.expiredRequests.labelled("/v1/orders").increment() })
    // All that order-service asks its peers over HTTP only reads, and somebody waits for it.
    var quotes = ServiceCaller.Configuration()
    quotes.totalTimeout = .seconds(2)
    quotes.attemptTimeout = .milliseconds(900)
    quotes.bulkhead.maximumWait = .milliseconds(500)
    quotes.hedging = HedgeConfiguration()
    quotes.hedging?.minimumDelay = .milliseconds(20)
    var reads = quotes
    reads.totalTimeout = .seconds(1)
    reads.attemptTimeout = .milliseconds(450)
    reads.bulkhead.maximumWait = .milliseconds(250)
    let prices = PriceBook(
        catalogue: HTTPCatalogue(
            try calls.peer("inventory-service", configuration.inventory, configuration: quotes)),
        time: chassis.time, log: chassis.logger,
        servedFallback: { chassis.metrics.fallbacks.labelled("price-quote").increment() })
    let census = SagaCensus(database.client, coordinator.process, chassis)

    var router = Router()
    OrderRoutes(
        postgres: database.client,
        placement: OrderPlacement(prices: prices, intake: intake, time: chassis.time, random: chassis.random),
        intake: intake, admission: admission, waiters: waiters, sagas: coordinator,
        parts: OrderParts(
            payments: try calls.peer("payment-service", configuration.payment, configuration: reads),
            shipments: try calls.peer("shipping-service", configuration.shipping, configuration: reads),
            time: chassis.time,
            fallbacks: chassis.metrics.fallbacks, log: chassis.logger),
        projector: projector,
        rateLimit: chassis.clientRateLimit("orders", configuration.orderRate, setting: "RATE_LIMIT_ORDERS"),
        time: chassis.time
    ).add(to: &router)
    OrderStreamRoutes(postgres: database.client, feed: feed, time: chassis.time).add(to: &router)

    var admin = Router()
    SagaRoutes(postgres: database.client, sagas: coordinator, log: chassis.logger).add(to: &admin)
    OrderViewRoutes(projector: projector, log: chassis.logger).add(to: &admin)
    chassis.adminRoutes.add(admin)

    return [database.pool, database.schema, calls.part] + messaging.parts + [
        IdempotencyStore.sweeper(database.client, chassis),
        retention(configuration, database, chassis),
        census.part, view.part,
        ClosureService.untilCancelled("order-view") { await projector.run() },
        ClosureService.untilCancelled("order-feed") { await feed.run() },
        ClosureService.untilCancelled("order-notices") { await notices.run() },
        ClosureService.untilCancelled("order-waiters") { await waiters.run() },
        ClosureService.untilCancelled("direct-commands") { await commands.run() },
        ClosureService.untilCancelled("saga-timers") { await coordinator.runTimers() },
        followUp.part("order-follow-ups", patience: chassis.settings.drain / 4),
        ClosureService.untilCancelled("order-intake") { await intake.run() },
        try messaging.consumer([
            .sagaReplies: replies,
            .shippingEvents: messaging.processor(
                ShippingEventHandler(messages: messaging.messages, metrics: metrics, projector: projector),
                usesInbox: false),
        ]),
        try chassis.api(router),
    ]
}

private func retention(
    _ configuration: OrderConfiguration, _ database: Database, _ chassis: Chassis
) -> any Service {
    let (journal, events) = (Duration.days(configuration.journalDays), Duration.days(configuration.eventDays))
    return Pruner(
        [
            Pruner.Table("saga_steps") { SagaRetention.journal(olderThan: journal, limit: $0) },
            Pruner.Table("order_feed") { OrderViewStatements.forgetEntries(olderThan: events, limit: $0) },
        ], database.client, chassis
    ).part("order-retention")
}

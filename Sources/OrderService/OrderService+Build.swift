import Messaging
import SagaRuntime
import ServiceChassis

/// order-service: orders, the saga that takes them through the other services, and the public API.
package let orderService = ServiceDefinition<OrderConfiguration>(
    name: "order-service", migrations: OrderSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: OrderSchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let calls = chassis.outgoingCalls()
    let metrics = OrderMetrics(registry: chassis.metrics.registry)
    let waiters = OrderWaiters(postgres: database.client, time: chassis.time, log: chassis.logger)
    let notices = OrderNotices(
        postgres: database.client, configuration: chassis.postgresConfiguration(configuration.database),
        waiters: waiters, time: chassis.time, log: chassis.logger)

    let coordinator = SagaCoordinator(
        process: PlaceOrderProcess(
            definition: try PlaceOrderSaga.definition(), messages: messaging.messages, waiters: waiters,
            notices: notices, metrics: metrics),
        postgres: database.client, unitOfWork: messaging.unitOfWork, time: chassis.time, random: chassis.random,
        log: chassis.logger)
    let intake = OrderIntake(
        postgres: database.client,
        writer: OrderWriter(
            unitOfWork: messaging.unitOfWork, coordinator: coordinator, messages: messaging.messages,
            metrics: metrics, time: chassis.time, log: chassis.logger))
    let prices = PriceBook(
        catalogue: HTTPCatalogue(calls.caller("inventory-service", configuration.inventory)), time: chassis.time,
        log: chassis.logger)
    let census = SagaCensus(database.client, chassis)

    var router = Router()
    OrderRoutes(
        postgres: database.client,
        placement: OrderPlacement(prices: prices, intake: intake, time: chassis.time, random: chassis.random),
        intake: intake, waiters: waiters,
        parts: OrderParts(
            payments: calls.caller("payment-service", configuration.payment),
            shipments: calls.caller("shipping-service", configuration.shipping), time: chassis.time,
            log: chassis.logger),
        time: chassis.time
    ).add(to: &router)

    return [database.pool, database.schema, calls.part] + messaging.parts + [
        IdempotencyStore.sweeper(database.client, chassis),
        census.part,
        ClosureService.untilCancelled("order-notices") { await notices.run() },
        ClosureService.untilCancelled("order-waiters") { await waiters.run() },
        ClosureService.untilCancelled("saga-timers") { await coordinator.runTimers() },
        ClosureService.untilCancelled("order-intake") { await intake.run() },
        try messaging.consumer([
            .sagaReplies: messaging.processor(coordinator, usesInbox: false),
            .shippingEvents: messaging.processor(
                ShippingEventHandler(messages: messaging.messages, metrics: metrics), usesInbox: false),
        ]),
        try chassis.api(router),
    ]
}

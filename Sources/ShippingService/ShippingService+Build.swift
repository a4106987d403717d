import Messaging
import ServiceChassis

/// shipping-service: shipments, the conversation with the carrier, and delivery.
package let shippingService = ServiceDefinition<ShippingConfiguration>(
    name: "shipping-service", migrations: ShippingSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: ShippingSchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let carrier = BuiltinCarrier(
        dispatchDelay: configuration.builtinDispatch, deliveryDelay: configuration.builtinDelivery)
    let dueShipments = DueShipments(
        carrier: carrier, postgres: database.client, unitOfWork: messaging.unitOfWork,
        messages: messaging.messages, time: chassis.time, log: chassis.logger)
    let handler = messaging.processor(
        ShippingHandler(carrier: carrier, messages: messaging.messages) { dueShipments.notify() })
    var router = Router()
    ShipmentRoutes(postgres: database.client, time: chassis.time).add(to: &router)
    return [database.pool, database.schema] + messaging.parts + [
        ClosureService.untilCancelled("due-shipments") { await dueShipments.run() },
        try messaging.consumer([.shippingCommands: handler, .orderEvents: handler]),
        try chassis.api(router),
    ]
}

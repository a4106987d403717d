import Messaging
import ServiceChassis

/// payment-service: charges and refunds, and the conversation with the provider.
package let paymentService = ServiceDefinition<PaymentConfiguration>(
    name: "payment-service", migrations: PaymentSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: PaymentSchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let provider = BuiltinPaymentProvider(slowness: configuration.builtinSlowness, time: chassis.time)
    var bounds = OpenCharges.Configuration()
    bounds.lease = configuration.builtinSlowness + .seconds(5)
    let openCharges = OpenCharges(
        provider: provider, postgres: database.client, unitOfWork: messaging.unitOfWork,
        messages: messaging.messages, configuration: bounds, time: chassis.time, log: chassis.logger)
    let commands = messaging.processor(
        PaymentCommandHandler(provider: provider, messages: messaging.messages) { openCharges.notify() })
    var router = Router()
    PaymentRoutes(postgres: database.client, time: chassis.time).add(to: &router)
    return [database.pool, database.schema] + messaging.parts + [
        ClosureService.untilCancelled("open-charges") { await openCharges.run() },
        try messaging.consumer([.paymentCommands: commands]),
        try chassis.api(router),
    ]
}

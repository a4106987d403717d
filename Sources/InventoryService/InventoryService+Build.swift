import ServiceChassis

/// inventory-service: the catalogue, its stock, and what is promised to orders.
package let inventoryService = ServiceDefinition<InventoryConfiguration>(
    name: "inventory-service", migrations: InventorySchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: InventorySchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let commands = messaging.processor(StockCommandHandler(messages: messaging.messages))
    let direct = CommandRoute(commands, topic: .inventoryCommands, time: chassis.time)
    var router = Router()
    direct.add(to: &router)
    InventoryRoutes(postgres: database.client, time: chassis.time, random: chassis.random).add(to: &router)
    return [database.pool, database.schema] + messaging.parts + [
        IdempotencyStore.sweeper(database.client, chassis),
        Pruner([.voidedOrders(configuration.database.retention)], database.client, chassis).part("voided-orders"),
        try messaging.consumer([.inventoryCommands: commands]),
        direct.part,
        try chassis.api(router),
    ]
}

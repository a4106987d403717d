// What a service is built on. A service brings its settings, its schema and its parts; the chassis reads the settings,
// starts and stops the parts in order, and answers health, metrics and every error in one way.
//
//     // order-service/Main.swift
//     @main
//     enum Main {
//         static func main() { orderService.main() }      // serve, migrate, config, health, --help
//     }
//
//     // OrderConfiguration.swift: each setting is described where it is read, and read unconditionally
//     package struct OrderConfiguration: ServiceConfiguration {
//         package var database: DatabaseSettings
//         package var kafka: KafkaSettings
//         package var inventory: [ServiceURL]
//
//         package init(reading settings: inout SettingsReader) {
//             database = DatabaseSettings(reading: &settings)
//             kafka = KafkaSettings(reading: &settings)
//             inventory = settings.required("INVENTORY_URL", .serviceURLs, "Where inventory-service's API is.")
//         }
//     }
//
//     // OrderService+Build.swift: the list is the start order, its reverse the stop order
//     package let orderService = ServiceDefinition<OrderConfiguration>(
//         name: "order-service", migrations: OrderMigrations.all
//     ) { configuration, chassis in
//         let database = chassis.database(configuration.database, migrations: OrderMigrations.all)
//         let calls = chassis.outgoingCalls()
//         let inventory = try calls.peer("inventory-service", configuration.inventory)
//         var router = Router()
//         OrderRoutes(database.client, inventory).add(to: &router)
//         return [database.pool, database.schema, calls.part, try chassis.api(router)]
//     }
//
//     // API/OrderRoutes.swift: what a handler throws becomes a problem document in `RequestHandler`; every route says who
//     // may call it, and `context.principal` keeps a customer to what is its own
//     router.get(
//         "/v1/orders", access: .customers(.ordersRead), query: ["customerId"] + PageRequest.parameters
//     ) { context in
//         let customer = try context.queryText("customerId")
//         let page = try context.page(filter: [customer])
//         let rows = try await orders.list(customer, after: page.afterMoment, limit: page.fetchLimit, context.deadline)
//         return page.page(rows) { .moment($0.createdAt, $0.id) }.response { $0.value($1) }
//     }
//     // body: .json unless said otherwise
//     router.post("/v1/orders", access: .customers(.ordersWrite), waits: true) { context in
//         let key = try context.idempotencyKey()
//         let document = try context.document()
//         let order = try context.decode(document) { OrderRequest(&$0) }
//         let fingerprint = RequestFingerprint(context, document)
//         …
//     }
//
//     // a call to a neighbour: breaker, retries that do no harm, deadline and trace sent along
//     let response = try await inventory.send(
//         ServiceRequest(.get, "/v1/items?sku=SKU-1"), operation: "price-quote", deadline: context.deadline)
//
// What happens once under an `Idempotency-Key` is written with `IdempotencyStore`, alone (`once`) or as part of a larger
// statement (`insertSQL`).
//
// A part of a service is a `Service`: `ClosureService` for one that listens for the request to stop,
// `ClosureService.untilCancelled` for one that only knows cancellation. Who needs what to be ready for work registers a
// `HealthCheck` with `chassis.health`; numbers kept elsewhere are connected to `chassis.metrics` with its `observe` methods.
//
// Folders: Settings/ what can be set; Lifecycle/ start, stop, signals; Program/ the executable's commands and the chassis
// itself; Authentication/ who calls, and who we are; Routing/ from a request to a handler and back; Calls/ to other
// services; Cursors/, Idempotency/; Health/, Admin/, Observability/.

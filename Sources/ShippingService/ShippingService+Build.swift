import Clocks
import Messaging
import ServiceChassis

/// shipping-service: shipments, the conversation with the carrier, and delivery.
package let shippingService = ServiceDefinition<ShippingConfiguration>(
    name: "shipping-service", migrations: ShippingSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: ShippingSchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let calls = chassis.outgoingCalls()
    let connection = try CarrierConnection(configuration, chassis, calls)
    let shipments = OpenShipments(
        carrier: connection.carrier, gate: connection.gate, postgres: database.client,
        unitOfWork: messaging.unitOfWork, messages: messaging.messages, configuration: connection.bounds,
        time: chassis.time, random: chassis.random, log: chassis.logger)
    let openShipments = DueWorker(
        shipments, concurrency: connection.concurrency, time: chassis.time, log: chassis.logger)
    let handler = messaging.processor(
        ShippingHandler(carrier: connection.carrier, messages: messaging.messages) { openShipments.notify() })
    let direct = CommandRoute(handler, topic: .shippingCommands, time: chassis.time)
    var router = Router()
    direct.add(to: &router)
    ShipmentRoutes(postgres: database.client, time: chassis.time).add(to: &router)
    if let secret = configuration.webhookSecret {
        CarrierEventRoute(
            shipments: shipments, webhooks: WebhookReader(secret: secret, time: chassis.time)
        ) { openShipments.notify() }.add(to: &router)
    }
    return [database.pool, database.schema, calls.part] + messaging.parts + [
        Pruner([.voidedOrders(configuration.database.retention)], database.client, chassis).part("voided-orders"),
        openShipments.part("open-shipments", patience: chassis.settings.drain / 4),
        try messaging.consumer([.shippingCommands: handler, .orderEvents: handler]),
        direct.part,
        try chassis.api(router),
    ]
}

/// The carrier that is configured, and how patient one is with it.
private struct CarrierConnection {
    /// How long a booking may take at a carrier before nobody knows what became of it.
    private static let attemptTimeout = Duration.seconds(5)
    /// How long a call may take, its repeats included.
    private static let callTimeout = Duration.seconds(8)

    let carrier: any Carrier
    let gate: @Sendable () -> CallAdmission
    let bounds: OpenShipments.Configuration
    /// How many shipments are worked on at a time; over HTTP no more than there are connections, so that no call ages in a
    /// queue.
    let concurrency: Int

    init(_ configuration: ShippingConfiguration, _ chassis: Chassis, _ calls: OutgoingCalls) throws {
        var bounds = OpenShipments.Configuration()
        guard configuration.carrier == .http, let url = configuration.carrierURL else {
            carrier = BuiltinCarrier(
                dispatchDelay: configuration.builtinDispatch, deliveryDelay: configuration.builtinDelivery)
            gate = { .open }
            self.bounds = bounds
            concurrency = 256
            return
        }
        var patience = ServiceCaller.Configuration()
        patience.attemptTimeout = Self.attemptTimeout
        patience.trustsContract = false
        let caller = try calls.caller("carrier", [url], configuration: patience)
        carrier = HTTPCarrier(caller, timeout: Self.callTimeout, time: chassis.time, random: chassis.random)
        gate = { caller.admission }
        // A claim outlives the call. Whoever dies is succeeded when it ends, so it is no longer than it has to be.
        bounds.lease = Self.callTimeout + .seconds(4)
        self.bounds = bounds
        concurrency = 32
    }
}

import Clocks
import Messaging
import ServiceChassis

/// payment-service: charges and refunds, and the conversation with the provider.
package let paymentService = ServiceDefinition<PaymentConfiguration>(
    name: "payment-service", migrations: PaymentSchema.migrations
) { configuration, chassis in
    let database = chassis.database(configuration.database, migrations: PaymentSchema.migrations)
    let messaging = try chassis.messaging(configuration.kafka, configuration.database, database)
    let calls = chassis.outgoingCalls()
    let connection = try ProviderConnection(configuration, chassis, calls)
    let openPayments = DueWorker(
        OpenPayments(
            provider: connection.provider, gate: connection.gate, postgres: database.client,
            unitOfWork: messaging.unitOfWork, messages: messaging.messages, configuration: connection.bounds,
            time: chassis.time, random: chassis.random, log: chassis.logger),
        concurrency: connection.concurrency, time: chassis.time, log: chassis.logger)
    let commands = messaging.processor(
        PaymentCommandHandler(provider: connection.provider, messages: messaging.messages) { openPayments.notify() })
    let direct = CommandRoute(commands, topic: .paymentCommands, time: chassis.time)
    var router = Router()
    direct.add(to: &router)
    PaymentRoutes(postgres: database.client, time: chassis.time).add(to: &router)
    if let secret = configuration.webhookSecret {
        ProviderEventRoute(
            postgres: database.client, webhooks: WebhookReader(secret: secret, time: chassis.time)
        ) { openPayments.notify() }.add(to: &router)
    }
    return [database.pool, database.schema, calls.part] + messaging.parts + [
        Pruner([.voidedOrders(configuration.database.retention)], database.client, chassis).part("voided-orders"),
        openPayments.part("open-payments", patience: chassis.settings.drain / 4),
        try messaging.consumer([.paymentCommands: commands]),
        direct.part,
        try chassis.api(router),
    ]
}

/// The provider that is configured, and how patient one is with it.
private struct ProviderConnection {
    /// How long a charge may take at a provider before it is in doubt.
    private static let attemptTimeout = Duration.seconds(5)
    /// How long a call may take, its repeats included.
    private static let callTimeout = Duration.seconds(8)

    let provider: any PaymentProvider
    let gate: @Sendable () -> CallAdmission
    let bounds: OpenPayments.Configuration
    /// How many calls are under way at most; no more than there are connections, so that none ages in a queue.
    let concurrency: Int

    init(_ configuration: PaymentConfiguration, _ chassis: Chassis, _ calls: OutgoingCalls) throws {
        var bounds = OpenPayments.Configuration()
        guard configuration.provider == .http, let url = configuration.providerURL else {
            provider = BuiltinPaymentProvider(slowness: configuration.builtinSlowness, time: chassis.time)
            gate = { .open }
            bounds.lease = configuration.builtinSlowness + .seconds(5)
            self.bounds = bounds
            concurrency = 256
            return
        }
        var patience = ServiceCaller.Configuration()
        patience.attemptTimeout = Self.attemptTimeout
        patience.trustsContract = false
        let caller = try calls.caller("payment-provider", [url], configuration: patience)
        provider = HTTPPaymentProvider(caller, timeout: Self.callTimeout, time: chassis.time)
        gate = { caller.admission }
        // A claim outlives the call. Whoever dies is succeeded when it ends, so it is no longer than it has to be.
        bounds.lease = Self.callTimeout + .seconds(4)
        self.bounds = bounds
        concurrency = 32
    }
}

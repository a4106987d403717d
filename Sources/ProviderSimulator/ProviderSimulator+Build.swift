import HTTPClient
import ServiceChassis
import Telemetry

/// provider-simulator: a stand-in payment provider and carrier that can be told to misbehave.
package let providerSimulator = ServiceDefinition<ProviderSimulatorConfiguration>(
    name: "provider-simulator", defaults: ["PORT": "8090", "ADMIN_PORT": "8091"]
) { configuration, chassis in
    let metrics = SimulatorMetrics(service: chassis.service, registry: chassis.metrics.registry)
    let (ledger, journal) = try openLedger(configuration, chassis.logger)
    let keeper = LedgerKeeper(ledger, journal: journal, metrics: metrics, time: chassis.time, random: chassis.random)
    metrics.observe(keeper)
    let faults = FaultSwitch(
        service: chassis.service, registry: chassis.metrics.registry, seed: chassis.random.next())
    let client = HTTPClient(time: chassis.time)
    let clockwork = Clockwork(
        keeper, sender: webhookSender(configuration, client, chassis), faults: faults, metrics: metrics,
        time: chassis.time, logger: chassis.logger)
    var router = Router()
    ProviderAPI(keeper: keeper, faults: faults, metrics: metrics, time: chassis.time, random: chassis.random)
        .add(to: &router)
    return [
        journalPart(journal), clientPart(client),
        ClosureService.untilCancelled("clockwork") { try await clockwork.run() },
        try chassis.api(router),
    ]
}

/// The ledger as it was left, and its journal; without a folder an empty one that will be forgotten.
private func openLedger(
    _ configuration: ProviderSimulatorConfiguration, _ logger: Logger
) throws(JournalError) -> (ledger: Ledger, journal: Journal?) {
    logger.warning("this is a simulator: no money moves and no parcel either; never for production")
    let empty = Ledger(rules: configuration.rules)
    guard let folder = configuration.dataFolder else {
        logger.warning("DATA_DIR is not set: the ledger is in memory only and ends with this process")
        return (empty, nil)
    }
    let file = try JournalFile(folder: folder)
    let (ledger, lines, tornBytes) = try file.replay(into: empty)
    if tornBytes > 0 {
        logger.warning("the journal's last line was torn and is left out", ["bytes": .count(tornBytes)])
    }
    logger.info(
        "ledger restored",
        ["folder": .text(folder), "changes": .count(lines), "entries": .count(ledger.entryCount)])
    return (ledger, Journal(file))
}

private func webhookSender(
    _ configuration: ProviderSimulatorConfiguration, _ client: HTTPClient, _ chassis: Chassis
) -> HTTPWebhookSender {
    var targets: [WebhookEvent.Target: ServiceURL] = [:]
    targets[.payment] = configuration.paymentWebhook
    targets[.carrier] = configuration.carrierWebhook
    return HTTPWebhookSender(
        client: client, targets: targets, secret: configuration.webhookSecret ?? Secret(""),
        timeout: configuration.webhookTimeout, time: chassis.time, logger: chassis.logger)
}

/// Ends the group when the journal fails: what cannot be kept must not be promised.
private func journalPart(_ journal: Journal?) -> any Service {
    ClosureService("journal") { life in
        life.ready()
        guard let journal else { return await life.stopRequested() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                if let failure = await journal.ended() { throw failure }
            }
            group.addTask {
                await life.stopRequested()
                journal.close()
            }
            try await group.waitForAll()
        }
    }
}

private func clientPart(_ client: HTTPClient) -> any Service {
    ClosureService("webhook-client") { life in
        life.ready()
        await life.stopRequested()
        await client.shutdown()
    }
}

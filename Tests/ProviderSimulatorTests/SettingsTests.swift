import ServiceChassis
import Testing

@testable import ProviderSimulator

@Suite("Settings of provider-simulator")
struct SettingsTests {
    private static func read(
        _ environment: [String: String]
    ) throws(SettingsError) -> ProviderSimulatorConfiguration {
        var reader = SettingsReader(SettingsSources(environment: environment))
        let configuration = ProviderSimulatorConfiguration(reading: &reader)
        try reader.finish()
        return configuration
    }

    @Test("without settings it keeps its ledger in memory and tells nobody")
    func defaults() throws {
        let configuration = try Self.read([:])
        #expect(configuration.dataFolder == nil && configuration.rules == LedgerRules())
    }

    @Test("its ports are its own unless they are given")
    func ports() {
        let ports = providerSimulator.settingDescriptions.filter { ["PORT", "ADMIN_PORT"].contains($0.key) }
        #expect(ports.map(\.defaultText) == ["8090", "8091"])
    }

    @Test("every time and bound can be set")
    func values() throws {
        let configuration = try Self.read([
            "DATA_DIR": "/data", "PAYMENT_WEBHOOK_URL": "http://a:1/x", "CARRIER_WEBHOOK_URL": "http://b:2/y",
            "WEBHOOK_SECRET": "s", "WEBHOOK_ATTEMPTS": "7", "WEBHOOK_TIMEOUT_SECONDS": "1.5", "SLOW_SECONDS": "0.5",
            "PENDING_SECONDS": "1", "DISPATCH_SECONDS": "2", "DELIVER_SECONDS": "4", "LEDGER_LIMIT": "10",
        ])
        var rules = LedgerRules.telling
        (rules.webhookAttempts, rules.slowness, rules.pendingDelay) = (7, .milliseconds(500), .seconds(1))
        (rules.dispatchDelay, rules.deliverDelay, rules.entryLimit) = (.seconds(2), .seconds(4), 10)
        #expect(configuration.rules == rules)
        #expect(configuration.dataFolder == "/data" && configuration.webhookSecret?.reveal() == "s")
        #expect(
            configuration.paymentWebhook?.text == "http://a:1/x" && configuration.webhookTimeout == .milliseconds(1500))
    }

    @Test(
        "settings that contradict each other stop the start",
        arguments: [
            (["CARRIER_WEBHOOK_URL": "http://b:2/y"], "WEBHOOK_SECRET"),
            (["DISPATCH_SECONDS": "9", "DELIVER_SECONDS": "8"], "DELIVER_SECONDS"),
            (["PAYMENT_WEBHOOK_URL": "ftp://x", "WEBHOOK_SECRET": "s"], "PAYMENT_WEBHOOK_URL"),
        ])
    func contradictions(environment: [String: String], key: String) {
        let error = #expect(throws: SettingsError.self) { try Self.read(environment) }
        #expect(error?.faults.map(\.key) == [key])
    }

    @Test("docs/provider-simulator.md has the table of its settings")
    func documented() throws {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let page = try FileReader.system.text(root + "/docs/provider-simulator.md").get()
        #expect(page.contains(SettingsTable.markdown(ProviderSimulatorConfiguration.descriptions)))
    }
}

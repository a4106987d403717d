import Glibc
import InventoryService
import OrderService
import PaymentService
import ProviderSimulator
import ServiceChassis
import ShippingService
import Testing

@Suite("The settings there are")
struct SettingsTests {
    static let path = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/docs/configuration.md"

    static var document: ConfigurationDocument {
        var document = ConfigurationDocument()
        document.add(orderService)
        document.add(inventoryService)
        document.add(paymentService)
        document.add(shippingService)
        return document
    }

    @Test("docs/configuration.md says what the services say of their settings")
    func document() throws {
        if getenv("HOLDFAST_WRITE_DOCS") != nil {
            let file = try #require(fopen(Self.path, "w"))
            fputs(Self.document.markdown, file)
            fclose(file)
        }
        let text = try FileReader.system.text(Self.path).get()
        #expect(
            text == Self.document.markdown, "run `HOLDFAST_WRITE_DOCS=1 swift test --filter SettingsTests` and commit")
    }

    @Test("no service's setting looks like a slip of the hand to its neighbours")
    func neighbours() {
        let all = [
            orderService.settingDescriptions, inventoryService.settingDescriptions, paymentService.settingDescriptions,
            shippingService.settingDescriptions, providerSimulator.settingDescriptions,
        ].map { Set($0.map(\.key)) }
        let environment = Dictionary(uniqueKeysWithValues: Set(all.joined()).map { ($0, "x") })
        let sources = SettingsSources(environment: environment)
        for own in all {
            let unknown = UnknownSettings(known: Array(own) + SuiteSettings.keys).report(sources)
            #expect(unknown.isEmpty)
        }
    }
}

import Postgres
import ServiceChassis
import Testing

@Suite("Command line")
struct ServiceCommandTests {
    @Test(
        "each command is recognised",
        arguments: [
            ([], .serve), (["serve"], .serve), (["migrate"], .migrate), (["config"], .config),
            (["config", "--markdown"], .configTable), (["health"], .health(.ready)),
            (["health", "live"], .health(.live)), (["health", "startup"], .health(.startup)), (["--help"], .help),
            (["-h"], .help), (["help"], .help),
        ] as [([String], ServiceCommand)])
    func commands(arguments: [String], command: ServiceCommand) throws {
        #expect(try ServiceCommand(arguments) == command)
    }

    @Test(
        "anything else is refused as it was given",
        arguments: [["start"], ["migrate", "now"], ["health", "dead"], [""], ["config", "--json"], ["--serve"]])
    func refused(arguments: [String]) {
        let error = #expect(throws: ServiceCommandError.self) { try ServiceCommand(arguments) }
        #expect(error?.description.contains("\"\(arguments.joined(separator: " "))\"") == true)
    }
}

@Suite("Configuration document")
struct ConfigurationDocumentTests {
    struct Plain: ServiceConfiguration {
        var database: DatabaseSettings

        init(reading settings: inout SettingsReader) {
            database = DatabaseSettings(reading: &settings)
        }
    }

    struct Special: ServiceConfiguration {
        var database: DatabaseSettings
        var shoeSize: Int

        init(reading settings: inout SettingsReader) {
            database = DatabaseSettings(reading: &settings)
            shoeSize = settings.value("SHOE_SIZE", .integer(30...50), default: 44, "The size of the shoe.")
        }
    }

    @Test("what all services share stands once, and each service's own under its name")
    func sections() throws {
        var document = ConfigurationDocument()
        document.add(ServiceDefinition<Plain>(name: "plain-service", migrations: []) { _, _ in [] })
        document.add(ServiceDefinition<Special>(name: "special-service", migrations: []) { _, _ in [] })
        let text = document.markdown
        #expect(text.split(separator: "`DATABASE_URL`").count == 2)
        #expect(text.split(separator: "`PORT`").count == 2)
        #expect(text.contains("## plain-service\n\nNo settings of its own."))
        let special = try #require(text.split(separator: "## special-service").last)
        #expect(special.contains("| `SHOE_SIZE` | whole number, 30 to 50 | `44` | The size of the shoe. |"))
        #expect(!special.contains("`DATABASE_URL`"))
    }
}

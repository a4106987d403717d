import Clocks
import LocalStack
import TestSupport
import Testing

/// The services' executables from outside: arguments, settings, signals. None of this needs a database.
@Suite("Service processes", .timeLimit(.minutes(2)))
struct ProcessTests {
    static let services = ["order-service", "inventory-service", "payment-service", "shipping-service"]

    static let settings = [
        "AUTH": "off", "HOST": "127.0.0.1", "PORT": "0", "ADMIN_PORT": "0", "LOG_FORMAT": "json", "DRAIN_SECONDS": "5",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "INVENTORY_URL": "http://127.0.0.1:1", "PAYMENT_URL": "http://127.0.0.1:1",
        "SHIPPING_URL": "http://127.0.0.1:1",
    ]

    static func start(
        _ service: String, _ arguments: [String] = [], _ environment: [String: String] = settings
    ) async throws -> (child: ChildProcess, log: String) {
        let log = try await TestFolder.make(service) + "/log"
        var launch = Launch(BuiltPrograms.path(service), arguments, logFile: log)
        launch.environment = environment
        return (try await ChildProcess.start(launch), log)
    }

    static func text(_ log: String) -> String {
        LogTail.lines(of: log, count: 200).joined(separator: "\n")
    }

    /// Waits until the log holds `text`; whoever never writes it meets the suite's time limit.
    static func wait(for text: String, in log: String) async throws {
        while !Self.text(log).contains(text) { try await SystemTime().sleep(for: .milliseconds(5)) }
    }

    @Test(
        "a signal right after the start ends a service in order", arguments: services,
        [ChildSignal.terminate, .interrupt])
    func signal(service: String, signal: ChildSignal) async throws {
        let (child, log) = try await Self.start(service)
        try await Self.wait(for: "AUTH is off", in: log)
        child.send(signal)
        #expect(try await child.exit() == .code(0))
        #expect(Self.text(log).contains("\"message\":\"service stopped\""))
    }

    @Test("a burst of signals is handled, never left to the system", arguments: 0..<10)
    func burst(round: Int) async throws {
        let (child, log) = try await Self.start("shipping-service")
        try await Self.wait(for: "AUTH is off", in: log)
        for signal in [ChildSignal.terminate, .interrupt, .terminate] { child.send(signal) }
        let exit = try await child.exit()
        // In order if it was quick, otherwise ended by the second signal as a shell reports it.
        #expect([.code(0), .code(128 + 2), .code(128 + 15)].contains(exit), "round \(round)")
    }

    @Test("settings that cannot be used stop the start and are all named", arguments: services)
    func badSettings(service: String) async throws {
        let bad = ["AUTH": "jwt", "PORT": "80800", "DATABASE_URL": "postgres://me:s3cret@", "KAFKA_BOOTSTRAP": ""]
        let (child, log) = try await Self.start(service, [], Self.settings.merging(bad) { $1 })
        #expect(try await child.exit() == .code(78))
        let text = Self.text(log)
        for key in bad.keys { #expect(text.contains("- \(key)")) }
        #expect(text.contains("4 settings need attention"))
        #expect(!text.contains("s3cret"))
    }

    @Test(
        "a provider or carrier over HTTP is not started without what it needs, all of which is named",
        arguments: [
            ("payment-service", "PAYMENT_PROVIDER", "PROVIDER_URL"), ("shipping-service", "CARRIER", "CARRIER_URL"),
        ])
    func missingSettings(service: String, choice: String, url: String) async throws {
        let (child, log) = try await Self.start(service, [], Self.settings.merging([choice: "http"]) { $1 })
        #expect(try await child.exit() == .code(78))
        let text = Self.text(log)
        #expect(text.contains("2 settings need attention"))
        for key in [url, "WEBHOOK_SECRET"] { #expect(text.contains("- \(key) is not set although \(choice) is http")) }
    }

    @Test("a webhook secret may lie in a file, and a file that cannot be read is named once")
    func secretFile() async throws {
        let (child, log) = try await Self.start(
            "payment-service", [],
            Self.settings.merging([
                "PAYMENT_PROVIDER": "http", "PROVIDER_URL": "http://127.0.0.1:1",
                "WEBHOOK_SECRET_FILE": "/nowhere/at/all",
            ]) { $1 })
        #expect(try await child.exit() == .code(78))
        #expect(Self.text(log).contains("1 setting needs attention"))
        #expect(Self.text(log).contains("- WEBHOOK_SECRET_FILE"))
    }

    @Test("config prints what is in force, without secrets", arguments: services)
    func config(service: String) async throws {
        let (child, log) = try await Self.start(
            service, ["config"], Self.settings.merging(["DATABASE_PASSWORD": "s3cret"]) { $1 })
        #expect(try await child.exit() == .code(0))
        let text = Self.text(log)
        #expect(text.contains("DATABASE_URL=postgres://nobody@127.0.0.1:1/none"))
        #expect(text.contains("DATABASE_PASSWORD=[redacted]"))
        #expect(text.contains("DRAIN_SECONDS=5"))
        #expect(!text.contains("s3cret"))
    }

    @Test(
        "each command ends as it should",
        arguments: [(["--help"], 0), (["config", "--markdown"], 0), (["dance"], 64), (["health"], 1)]
            as [([String], Int32)])
    func commands(arguments: [String], code: Int32) async throws {
        let (child, _) = try await Self.start(
            "payment-service", arguments, Self.settings.merging(["ADMIN_PORT": "1"]) { $1 })
        #expect(try await child.exit() == .code(code))
    }
}

import Clocks
import HTTPClient
import JSON
import LocalStack
import Synchronization
import TestSupport
import Testing

@testable import ProviderSimulator

/// The executable from outside.
@Suite("The simulator's process", .timeLimit(.minutes(2)))
struct ProcessTests {
    private struct Running {
        let child: ChildProcess
        let api: String
        let log: String
    }

    private static func start(folder: String, _ client: HTTPClient) async throws -> Running {
        let (api, admin) = (Ports.anyFree(), Ports.anyFree())
        let log = try await TestFolder.make("simulator") + "/log"
        var launch = Launch(BuiltPrograms.path("provider-simulator"), logFile: log)
        launch.environment = [
            "AUTH": "off", "HOST": "127.0.0.1", "PORT": String(api), "ADMIN_PORT": String(admin),
            "DATA_DIR": folder, "LOG_FORMAT": "json",
        ]
        let child = try await ChildProcess.start(launch)
        let ready = HTTPClientRequest(.get, url: "http://127.0.0.1:\(admin)/health/ready")
        while (try? await client.execute(ready, deadline: soon).status) != .ok {
            guard child.ended == nil else { throw Ended(log: LogTail.lines(of: log, count: 20)) }
            try await SystemTime().sleep(for: .milliseconds(5))
        }
        return Running(child: child, api: "http://127.0.0.1:\(api)", log: log)
    }

    /// The keys of charges that were answered.
    private final class Keys: Sendable {
        private let keys = Mutex<[String]>([])
        var all: [String] { keys.withLock { $0 } }

        /// How many there are now.
        func add(_ key: String) -> Int {
            keys.withLock { keys in
                keys.append(key)
                return keys.count
            }
        }
    }

    private struct Ended: Error { var log: [String] }

    private static var soon: MonotonicInstant { SystemTime().now.advanced(by: .seconds(20)) }

    private static func charge(_ key: String, _ running: Running, _ client: HTTPClient) async -> Int? {
        var request = HTTPClientRequest(
            .post, url: running.api + "/v1/charges", body: Array(ProviderFixture.chargeBody().utf8))
        request.fields.append("Content-Type", "application/json")
        request.fields.append("Idempotency-Key", key)
        return try? await client.execute(request, deadline: soon).status.code
    }

    private static func get(_ target: String, _ running: Running, _ client: HTTPClient) async throws -> JSONValue {
        let response = try await client.execute(
            HTTPClientRequest(.get, url: running.api + target), deadline: soon)
        return try JSONDocument(parsing: response.body).root
    }

    @Test("what was answered before kill -9 is there after the next start, and nothing twice")
    func killed() async throws {
        let folder = try await TestFolder.make("ledger")
        let client = HTTPClient(time: SystemTime())
        let first = try await Self.start(folder: folder, client)
        let acknowledged = Keys()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for number in 0..<1000 {
                        let key = "k-\(worker)-\(number)"
                        guard await Self.charge(key, first, client) == 201 else { return }
                        let count = acknowledged.add(key)
                        if count == 100 { first.child.send(.kill) }
                    }
                }
            }
        }
        _ = try await first.child.exit()
        let keys = acknowledged.all
        #expect(keys.count >= 100)

        let second = try await Self.start(folder: folder, client)
        for key in keys {
            #expect(try await Self.get("/v1/charges/\(key)", second, client)["status"]?.string == "captured")
        }
        let ledger = try await Self.get("/control/ledger", second, client)
        let captured = try #require(ledger["charges"]?["captured"]?.int64)
        // At most the eight that were under way were written and not answered.
        #expect(captured >= keys.count && captured <= keys.count + 8)
        #expect(ledger["totals"]?["EUR"]?["captured"]?.int64 == captured * 3998)
        #expect(await Self.charge(keys[0], second, client) == 200)

        #expect(await second.child.stop(patience: .seconds(20)) == .code(0))
        await client.shutdown()
    }

    @Test("a folder that another process has, and a journal that is damaged, stop the start with a reason")
    func refused() async throws {
        let folder = try await TestFolder.make("ledger")
        let client = HTTPClient(time: SystemTime())
        let first = try await Self.start(folder: folder, client)
        let second = await #expect(throws: Ended.self) { _ = try await Self.start(folder: folder, client) }
        #expect(second?.log.contains { $0.contains("is written by another process") } == true)
        #expect(await first.child.stop(patience: .seconds(20)) == .code(0))
        try Files.replace("\(folder)/ledger.jsonl", with: Array("[]\nnonsense\n[]\n".utf8))
        let third = await #expect(throws: Ended.self) { _ = try await Self.start(folder: folder, client) }
        #expect(third?.log.contains { $0.contains("line 2 of the journal cannot be read") } == true)
        await client.shutdown()
    }

    @Test("without a folder it says that the ledger ends with the process; there is nothing to migrate")
    func commands() async throws {
        func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> (ChildExit, String) {
            let log = try await TestFolder.make("simulator") + "/log"
            var launch = Launch(BuiltPrograms.path("provider-simulator"), arguments, logFile: log)
            launch.environment = ["AUTH": "off"].merging(environment) { $1 }
            let exit = try await ChildProcess.start(launch).exit()
            return (exit, LogTail.lines(of: log, count: 200).joined(separator: "\n"))
        }
        let (migrate, reason) = try await run(["migrate"])
        #expect(migrate == .code(64) && reason == "provider-simulator: there is no database to migrate")
        let (help, text) = try await run(["--help"])
        #expect(help == .code(0) && !text.contains("migrate ") && text.contains("PAYMENT_WEBHOOK_URL"))
        let (config, listing) = try await run(["config"], ["WEBHOOK_SECRET": "s3cret"])
        #expect(config == .code(0) && listing.contains("PORT=8090") && !listing.contains("s3cret"))
    }
}

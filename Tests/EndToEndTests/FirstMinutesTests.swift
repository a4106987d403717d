import Clocks
import HTTPClient
import JSON
import LocalStack
import TestSupport
import Testing

/// What somebody sees who starts the suite for the first time, and for the second.
@Suite("The first minutes", .serialized)
struct FirstMinutesTests {
    @Test("three sample orders take their three courses, and the next start carries on with the same data")
    func samples() async throws {
        let first = try await TestStack.start(environment: ["HOLDFAST_SAMPLES": "on"])
        try await first.waitUntilReady()
        expectSamples(in: first.output)
        let before = try await stock(of: first)
        #expect(before == ["SKU-1": [10_000, 9998], "SKU-2": [5000, 4999], "SKU-3": [1000, 1000], "SKU-4": [3, 3]])
        await expectOrderlyStop(of: first)

        let second = try await TestStack.start(first.options, environment: ["HOLDFAST_SAMPLES": "on"])
        try await second.waitUntilReady()
        expectSamples(in: second.output)
        let after = try await stock(of: second)
        #expect(after == ["SKU-1": [10_000, 9996], "SKU-2": [5000, 4998], "SKU-3": [1000, 1000], "SKU-4": [3, 3]])
        #expect(try await orderCount(of: second) == 6)
        await expectOrderlyStop(of: second)
    }

    @Test("every kind of child comes back after a kill, and orders go through again")
    func killedChildren() async throws {
        let stack = try await TestStack.start()
        try await stack.waitUntilReady()
        for service in ServiceName.allCases { try await stack.killAndAwaitRestart(service) }
        let lock = try #require(Files.text(stack.options.dataFolder + "/postgres/data/postmaster.pid"))
        let postgres = String(lock.prefix { $0 != "\n" })
        _ = try await ChildProcess.start(Launch("/bin/kill", ["-9", postgres])).exit()
        try await eventually("all services are ready again") {
            for service in ServiceName.allCases where try await !isReady(service, of: stack) { return false }
            return stack.output.contains { $0.hasPrefix("holdfast: Postgres runs again") }
        }
        #expect(try await orderCount(of: stack) == 0)
        await expectOrderlyStop(of: stack)
    }
}

extension FirstMinutesTests {
    private func expectOrderlyStop(of stack: TestStack) async {
        let ending = await stack.stop()
        #expect(ending == .code(0), "\(stack.output.suffix(40).joined(separator: "\n"))")
    }

    private func expectSamples(in output: [String]) {
        for course in ["confirmed ·", "rejected (out-of-stock) ·", "rejected (payment-declined) ·"] {
            #expect(output.contains { $0.hasPrefix("  order ") && $0.contains(course) }, "\(output)")
        }
        #expect(output.contains { $0.contains("release-stock") && $0.hasSuffix("undoes reserve-stock") })
    }

    private func stock(of stack: TestStack) async throws -> [String: [Int64]] {
        let document = try await get(stack.api(.inventory) + "/v1/items")
        var stock: [String: [Int64]] = [:]
        for item in document.root["items"].map({ Array($0.elements) }) ?? [] {
            stock[item["sku"]?.string ?? ""] = [item["received"]?.int64 ?? -1, item["available"]?.int64 ?? -1]
        }
        return stock
    }

    private func orderCount(of stack: TestStack) async throws -> Int {
        try await get(stack.api(.order) + "/v1/orders?limit=100").root["items"]?.count ?? -1
    }

    private func isReady(_ service: ServiceName, of stack: TestStack) async throws -> Bool {
        (try? await get(stack.admin(service) + "/health/ready")) != nil
    }

    private func get(_ url: String) async throws -> JSONDocument {
        let time = SystemTime()
        let client = HTTPClient(time: time)
        let response = try await client.execute(
            HTTPClientRequest(.get, url: url), deadline: time.now.advanced(by: .seconds(10)))
        await client.shutdown()
        guard response.status.code == 200 else { throw UnexpectedStatus(code: Int(response.status.code), url: url) }
        return try JSONDocument(parsing: response.body)
    }

    private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(60))
        while try await !condition() {
            try #require(time.now < deadline, "waited a minute until \(what)")
            try await time.sleep(for: .milliseconds(50))
        }
    }

    private struct UnexpectedStatus: Error {
        var code: Int
        var url: String
    }
}

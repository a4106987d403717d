import Clocks
import LocalStack

/// An embedded broker in a process of its own, for tests.
///
/// A topic that does not exist is made on first use with four partitions; a test that uses topic and group names of
/// its own does not meet the others.
package struct TestBroker: Sendable {
    package let process: ChildProcess
    package let port: Int

    /// The form `KAFKA_BOOTSTRAP` takes.
    package var bootstrap: String { "127.0.0.1:\(port)" }

    private static let running = Task { try await start() }

    /// The broker all tests of the process share, started when the first one asks for it; nobody stops it.
    package static func shared() async throws -> TestBroker {
        try await running.value
    }

    /// A broker of the test's own, with these topics (name and number of partitions) instead of the suite's.
    package static func start(port: Int = 0, topics: [String: Int] = [:]) async throws -> TestBroker {
        let log = try await TestFolder.make("broker") + "/dev-broker.log"
        let arguments =
            ["--port", String(port)]
            + topics.sorted { $0.key < $1.key }.flatMap { ["--topic", "\($0.key):\($0.value)"] }
        let process = try await ChildProcess.start(
            Launch(BuiltPrograms.path("dev-broker"), arguments, logFile: log))
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(20))
        let sign = "dev-broker: ready on 127.0.0.1:"
        while process.ended == nil, time.now < deadline {
            if let line = process.lastLines().first(where: { $0.hasPrefix(sign) }),
                let port = Int(line.dropFirst(sign.count))
            {
                return TestBroker(process: process, port: port)
            }
            try await time.sleep(for: .milliseconds(5))
        }
        process.send(.kill)
        throw NotReady(lines: process.lastLines())
    }

    /// Ends the broker; what it held is gone.
    package func stop() async {
        await process.stop(patience: .seconds(5))
    }

    package struct NotReady: Error, CustomStringConvertible {
        var lines: [String]
        package var description: String { "dev-broker is not ready: " + lines.joined(separator: "\n") }
    }
}

import Clocks
import Contracts
import LocalStack
import TestSupport
import Testing

@testable import Messaging

@Suite("Another implementation of CloudEvents")
struct CloudEventsOracleTests {
    private static let script = """
        from sys import argv
        from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
        from cloudevents.core.formats.json import JSONFormat
        headers = dict((name, value.encode()) for name, value in (line.split("=", 1) for line in argv[3:]))
        event = from_binary(
            KafkaMessage(headers=headers, key=argv[1].encode(), value=argv[2].encode()), JSONFormat())
        for part in (event.get_specversion(), event.get_id(), event.get_source(), event.get_type(),
                     event.get_time().isoformat(), event.get_subject(), event.get_datacontenttype(),
                     event.get_data()["text"]):
            print(part)
        """

    private static func run(
        _ python: String, _ arguments: [String]
    ) async throws -> (exit: ChildExit, lines: [String]) {
        let log = try await TestFolder.make("cloudevents") + "/out.log"
        let process = try await ChildProcess.start(Launch(python, arguments, logFile: log))
        return (try await process.exit(), process.lastLines())
    }

    /// The first Python in `PATH` that has the package; the machine may have several without.
    static func python() async throws -> String? {
        for folder in (Programs.environment["PATH"] ?? "").split(separator: ":") {
            let candidate = "\(folder)/python3"
            guard Files.isExecutable(candidate) else { continue }
            let probe = try await run(candidate, ["-c", "from cloudevents.core.bindings import kafka"])
            if probe.exit == .code(0) { return candidate }
        }
        return nil
    }

    @Test(
        "reads what we produce as we meant it",
        .enabled("python3 with the package cloudevents is not there") {
            try await CloudEventsOracleTests.python() != nil
        })
    func reads() async throws {
        let envelope = MessageEnvelope(
            id: UUID("0198f2a0-0000-7000-8000-000000000001")!, source: "/holdfast/order-service",
            type: MessageType.reserveStock, orderID: UUID("0198f2a0-0000-7000-8000-000000000002")!,
            time: Timestamp(rfc3339: "2026-01-02T03:04:05.678Z")!, deadline: Timestamp(milliseconds: 1),
            payload: Array(#"{"text":"gr\u00fcn"}"#.utf8))
        let headers = envelope.kafkaHeaders.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        let python = try #require(try await Self.python())
        let answer = try await Self.run(
            python,
            [
                "-c", Self.script, String(decoding: envelope.kafkaKey, as: UTF8.self),
                String(decoding: envelope.payload, as: UTF8.self),
            ] + headers)
        #expect(
            answer.lines == [
                "1.0", "0198f2a0-0000-7000-8000-000000000001", "/holdfast/order-service",
                "holdfast.inventory.reserve-stock.v1", "2026-01-02T03:04:05.678000+00:00",
                "0198f2a0-0000-7000-8000-000000000002", "application/json", "grün",
            ])
        #expect(answer.exit == .code(0))
    }
}

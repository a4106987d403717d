import Glibc
import LocalStack
import TestSupport
import Testing

/// Other people's clients, which know nothing of ours.
@Suite("Clients of other makers")
struct InteropTests {
    private static let kcatProgram = (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin").split(separator: ":")
        .flatMap { [$0 + "/kcat", $0 + "/kafkacat"] }.first { Files.isExecutable(String($0)) }.map { String($0) }

    /// `KAFKA_HOME`, or a folder beside the checkout; nil without Java.
    private static let kafkaTool: String? = {
        guard Files.isExecutable("/usr/bin/java") || getenv("JAVA_HOME") != nil else { return nil }
        let named = getenv("KAFKA_HOME").map { [String(cString: $0)] } ?? []
        return (named + [Files.workingDirectory + "/../shared/kafka"]).map { $0 + "/bin/kafka-tool" }
            .first { Files.isExecutable($0) }
    }()

    /// Runs a program to its end and returns what it said.
    private func run(_ program: String, _ arguments: [String]) async throws -> String {
        let log = try await TestFolder.make("interop") + "/log"
        let process = try await ChildProcess.start(Launch(program, arguments, logFile: log))
        let exit = try await process.exit()
        let output = Files.text(log) ?? ""
        #expect(exit.isSuccess, "\(program) \(arguments): \(output)")
        return output
    }

    @Test(
        "kcat lists the topics, and reads what it wrote, compressed, from the beginning and from an offset",
        .enabled(if: InteropTests.kcatProgram != nil, "install kcat to test against it"), .timeLimit(.minutes(2)))
    func kcat() async throws {
        let kcat = try #require(Self.kcatProgram)
        let broker = try await TestBroker.start(topics: ["words": 2])
        let lines = (0..<50).map { "key-\($0):word-\($0)" }.joined(separator: "\n") + "\n"
        let file = try await TestFolder.make("words") + "/words"
        try Files.replace(file, with: Array(lines.utf8))
        let listed = try await run(kcat, ["-b", broker.bootstrap, "-L"])
        #expect(listed.contains("topic \"words\" with 2 partitions") && listed.contains("broker 1 at 127.0.0.1"))
        _ = try await run(
            kcat, ["-b", broker.bootstrap, "-P", "-t", "words", "-K", ":", "-z", "gzip", "-l", file])
        let read = try await run(kcat, ["-b", broker.bootstrap, "-C", "-t", "words", "-e", "-q", "-f", "%k:%s\n"])
        #expect(read.split(separator: "\n").sorted() == lines.split(separator: "\n").sorted())
        let group = try await run(
            kcat,
            ["-b", broker.bootstrap, "-G", "readers", "-X", "auto.offset.reset=earliest", "-c", "50", "-q", "words"])
        #expect(group.split(separator: "\n").filter { $0.hasPrefix("word-") }.count == 50)
        await broker.stop()
    }

    @Test(
        "Kafka's own tools make a topic, write to it, read it as a group, and see how far the group is",
        .enabled(if: InteropTests.kafkaTool != nil, "set KAFKA_HOME and install Java to test against Kafka's tools"),
        .timeLimit(.minutes(4)))
    func javaTools() async throws {
        let tool = try #require(Self.kafkaTool)
        let broker = try await TestBroker.start(topics: ["other": 1])
        let server = ["--bootstrap-server", broker.bootstrap]
        let made = try await run(tool, ["topics"] + server + ["--create", "--topic", "made", "--partitions", "3"])
        #expect(made.contains("Created topic made."))
        _ = try await run(
            tool,
            [
                "producer-perf-test", "--topic", "made", "--num-records", "200", "--record-size", "100",
                "--throughput", "-1", "--producer-props", "bootstrap.servers=\(broker.bootstrap)",
                "compression.type=gzip", "acks=all",
            ])
        let read = try await run(
            tool,
            ["console-consumer"] + server
                + ["--topic", "made", "--group", "readers", "--from-beginning", "--max-messages", "200"])
        #expect(read.contains("Processed a total of 200 messages"))
        let group = try await run(tool, ["consumer-groups"] + server + ["--describe", "--group", "readers"])
        let rows = group.split(separator: "\n").filter { $0.hasPrefix("readers") }
            .map { $0.split(separator: " ").map(String.init) }
        #expect(rows.count == 3 && rows.allSatisfy { $0.count > 5 && $0[3] == $0[4] && $0[5] == "0" }, "\(group)")
        #expect(rows.compactMap { Int($0[4]) }.reduce(0, +) == 200)
        let gone = try await run(tool, ["topics"] + server + ["--delete", "--topic", "made"])
        #expect(!gone.contains("ERROR"), "\(gone)")
        let left = try await run(tool, ["topics"] + server + ["--list"])
        #expect(left.split(separator: "\n").contains("other") && !left.contains("made"))
        await broker.stop()
    }
}

import Clocks
import Glibc
import Kafka
import LocalStack
import TestSupport
import Testing

/// The clusters the conformance tests run against.
enum TestCluster: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case embedded = "embedded broker"
    case apacheKafka = "Apache Kafka"

    var testDescription: String { rawValue }

    /// Those that are there: Apache Kafka needs its folder and Java.
    static let available: [TestCluster] = kafkaHome == nil ? [.embedded] : [.embedded, .apacheKafka]

    /// `KAFKA_HOME`, or a folder beside the checkout.
    static let kafkaHome: String? = {
        let beside = [Files.workingDirectory + "/../shared/kafka"]
        let named = getenv("KAFKA_HOME").map { [String(cString: $0)] } ?? []
        guard Files.isExecutable("/usr/bin/java") || getenv("JAVA_HOME") != nil else { return nil }
        return (named + beside).first { Files.isExecutable($0 + "/bin/kafka-local") }
    }()

    private static let kafka = Task { try await startKafka() }

    /// Where the cluster listens; started when first asked for, ended with the test process.
    func bootstrap() async throws -> String {
        switch self {
        case .embedded: try await TestBroker.shared().bootstrap
        case .apacheKafka: try await Self.kafka.value
        }
    }

    /// A configuration whose rebalances do not wait long for work in progress.
    func configuration() async throws -> KafkaConfiguration {
        var configuration = KafkaConfiguration(bootstrap: try await bootstrap(), clientID: "test")
        configuration.revocationPatience = .milliseconds(1500)
        return configuration
    }

    private static func startKafka() async throws -> String {
        guard let kafkaHome else { throw NotStarted(lines: ["no Kafka"]) }
        let folder = try await TestFolder.make("kafka")
        let log = folder + "/kafka-local.log"
        let process = try await ChildProcess.start(
            Launch(
                kafkaHome + "/bin/kafka-local",
                ["run", "--dir", folder + "/data", "--port", "0", "--property", "num.partitions=4"], logFile: log))
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(90))
        while process.ended == nil, time.now < deadline {
            if let line = process.lastLines().first(where: { $0.hasPrefix("127.0.0.1:") }) { return line }
            try await time.sleep(for: .milliseconds(50))
        }
        process.send(.terminate)
        throw NotStarted(lines: process.lastLines())
    }

    struct NotStarted: Error, CustomStringConvertible {
        var lines: [String]
        var description: String { "Kafka did not start: " + lines.joined(separator: "\n") }
    }
}

/// A topic and a group that no other test uses.
struct Scene: Sendable {
    let topic: String
    let group: String

    init(_ name: String) {
        topic = "test-\(name)-\(getpid())"
        group = "group-\(name)-\(getpid())"
    }

    func record(_ number: Int, key: String, headers: [(name: String, value: [UInt8]?)] = []) -> KafkaRecord {
        KafkaRecord(topic: topic, key: Array(key.utf8), headers: headers, value: Array("\(number)".utf8))
    }
}

extension KafkaMessage {
    /// The number ``Scene/record(_:key:headers:)`` put in.
    var number: Int { Int(String(decoding: value ?? [], as: UTF8.self)) ?? -1 }
    var keyText: String { String(decoding: key ?? [], as: UTF8.self) }
}

/// What the members of a group have read, in the order they did.
actor Reading {
    private(set) var messages: [KafkaMessage] = []

    var count: Int { messages.count }
    var numbers: [Int] { messages.map(\.number) }
    var distinct: Int { Set(numbers).count }

    func add(_ more: [KafkaMessage]) { messages += more }

    /// Waits until the condition holds; false after `seconds`.
    func waitUntil(seconds: Int = 40, _ condition: ([KafkaMessage]) -> Bool) async -> Bool {
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(seconds))
        while !condition(messages) {
            guard time.now < deadline else { return false }
            try? await time.sleep(for: .milliseconds(10))
        }
        return true
    }
}

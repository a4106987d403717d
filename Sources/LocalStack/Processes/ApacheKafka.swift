import Clocks

/// One node of Apache Kafka, broker and controller in one, in a folder of its own.
struct ApacheKafka: Sendable {
    /// The folder that has its `libs`: a distribution, or a copy that has only what a broker needs.
    var home: String
    /// Its data and its settings; absolute.
    var folder: String
    var port: Int
    var controllerPort: Int
    var logFile: String

    var dataFolder: String { folder + "/data" }
    private var settingsFile: String { folder + "/server.properties" }

    /// What keeps it from being started, with the remedy; nil when nothing does.
    static func missing(home: String) -> String? {
        if !Files.isDirectory(home + "/libs") {
            return
                "there is no Apache Kafka in \(home) (no libs folder): name the folder of a distribution with KAFKA_HOME"
        }
        return java == nil
            ? "Apache Kafka needs Java: install openjdk-17-jre-headless, or name one with JAVA_HOME" : nil
    }

    private static var java: String? {
        if let home = Programs.environment["JAVA_HOME"], let java = Programs.find(home + "/bin/java") { return java }
        return Programs.find("java")
    }

    /// Writes its settings, formats its data folder where that has not been done, and starts it.
    func start() async throws -> ChildProcess {
        try Files.makeDirectory(folder)
        try Files.replace(settingsFile, with: Array((settings.joined(separator: "\n") + "\n").utf8))
        if !Files.exists(dataFolder + "/meta.properties") {
            let format = try await ChildProcess.start(
                java(["kafka.tools.StorageTool", "format", "--cluster-id", Self.clusterID, "--config", settingsFile]))
            let status = try await format.exit()
            guard status.isSuccess else {
                throw ChildProcessError.startFailed(
                    program: "kafka.tools.StorageTool", reason: format.lastLines(5).joined(separator: "; "))
            }
        }
        return try await ChildProcess.start(java(["kafka.Kafka", settingsFile]))
    }

    private func java(_ arguments: [String]) -> Launch {
        // Quick to start rather than quick for hours; the same memory as the containers'.
        let options = [
            "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-Djava.awt.headless=true", "-cp", home + "/libs/*",
        ]
        var launch = Launch(Self.java ?? "java", options + arguments, logFile: logFile)
        launch.withheld = StackOptions.variables
        return launch
    }

    private var settings: [String] {
        [
            "process.roles=broker,controller",
            "node.id=1",
            "controller.quorum.voters=1@127.0.0.1:\(controllerPort)",
            "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listeners=PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:\(controllerPort)",
            "advertised.listeners=PLAINTEXT://127.0.0.1:\(port)",
            "log.dirs=\(dataFolder)",
            "auto.create.topics.enable=false",
            "offsets.topic.num.partitions=4",
            "offsets.topic.replication.factor=1",
            "transaction.state.log.num.partitions=4",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "log.cleaner.dedupe.buffer.size=8388608",
        ]
    }

    /// Sixteen bytes in the form that Kafka wants; one node has no other to be told from.
    private static let clusterID = "aG9sZGZhc3QtbG9jYWwtMQ"
}

import Clocks

extension StackSupervisor {
    /// Starts the broker and waits until it takes connections and has the suite's topics.
    func startBroker(programs: String, folder: StackFolder) async throws(StackError) {
        switch options.broker {
        case .embedded: try await startEmbeddedBroker(program: programs + "/dev-broker", folder: folder)
        case .kafka: try await startKafka(tool: programs + "/dev-broker", folder: folder)
        }
    }

    private func startEmbeddedBroker(program: String, folder: StackFolder) async throws(StackError) {
        console.line("holdfast: starting the broker on port \(plan.brokerPort)")
        var launch = Launch(program, plan.brokerArguments, logFile: folder.logFile("dev-broker"))
        launch.withheld = StackOptions.variables
        let control = control(folder)
        let keeper = ProcessKeeper(
            label: "dev-broker", patience: Self.drainPatience, time: time,
            start: { [launch] in
                try await control?.waitWhileHeld(StackPlan.brokerName)
                return try await ChildProcess.start(launch)
            }, observer: { [self] in observe($0, label: "dev-broker") })
        keep([(keeper, nil)])
        try await waitUntilReady(keeper, log: launch.logFile) { [plan] in
            Ports.accepts(plan.brokerPort) ? nil : "port \(plan.brokerPort) is not open yet"
        }
    }

    private func startKafka(tool: String, folder: StackFolder) async throws(StackError) {
        let home = Files.canonical(options.kafkaHome) ?? options.kafkaHome
        if let missing = ApacheKafka.missing(home: home) { throw .brokerMissing(missing) }
        console.line("holdfast: starting Apache Kafka on port \(plan.brokerPort)")
        let log = folder.logFile("kafka")
        let kafka = ApacheKafka(
            home: home, folder: folder.brokerFolder, port: plan.brokerPort,
            controllerPort: options.port(.brokerController), logFile: log)
        let control = control(folder)
        let topics = TopicMaker(
            program: tool, port: plan.brokerPort, logFile: folder.logFile("kafka-topics"), time: time)
        let keeper = ProcessKeeper(
            label: "Apache Kafka", patience: Self.drainPatience, time: time,
            start: {
                try await control?.waitWhileHeld(StackPlan.brokerName)
                return try await kafka.start()
            },
            observer: { [self] event in
                observe(event, label: "Apache Kafka")
                // After each start: a drill may have taken its data away.
                if case .started = event { topics.begin() }
            })
        keep([(keeper, nil)])
        try await waitUntilReady(keeper, log: log) { [plan] in
            guard Ports.accepts(plan.brokerPort) else { return "port \(plan.brokerPort) is not open yet" }
            return topics.areMade ? nil : "its topics are not there yet"
        }
    }
}

/// Makes the suite's topics where they are missing, with `dev-broker --create-topics`.
private final class TopicMaker: Sendable {
    private let program: String
    private let port: Int
    private let logFile: String
    private let time: any TimeSource
    private let made = OneShot<Void>()

    init(program: String, port: Int, logFile: String, time: any TimeSource) {
        self.program = program
        self.port = port
        self.logFile = logFile
        self.time = time
    }

    /// Whether they were made once.
    var areMade: Bool { made.current != nil }

    /// Tries until it has worked, for at most two minutes; the program itself waits for the broker.
    func begin() {
        Task {
            let deadline = time.now.advanced(by: .seconds(120))
            let launch = Launch(program, ["--create-topics", "127.0.0.1:\(port)"], logFile: logFile)
            while time.now < deadline {
                if let child = try? await ChildProcess.start(launch), (try? await child.exit())?.isSuccess == true {
                    made.fulfil(())
                    return
                }
                guard (try? await time.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }
}

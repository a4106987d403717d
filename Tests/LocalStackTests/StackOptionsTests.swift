import LocalStack
import Testing

@Suite("Options of the stack")
struct StackOptionsTests {
    private func read(_ arguments: [String], _ environment: [String: String] = [:]) throws -> StackOptions {
        try StackOptions(arguments: arguments, environment: environment)
    }

    @Test("without options the ports are the documented ones")
    func defaults() throws {
        let options = try read([])
        let ports = PortName.all.map { options.port($0) }
        #expect(
            ports == [
                15_432, 19_092, 19_093, 8090, 8091, 20_000, 8082, 8083, 8084, 8085, 8086, 8087, 8080, 8081,
            ])
        #expect(options.dataFolder == ".holdfast")
        #expect(options.placesSamples)
        #expect(options.providers == .builtin)
    }

    @Test("the providers are chosen by variable or option")
    func providers() throws {
        #expect(try read(["--providers", "http"]).providers == .http)
        #expect(try read([], ["HOLDFAST_PROVIDERS": "http"]).providers == .http)
        #expect(try read(["--providers", "builtin"], ["HOLDFAST_PROVIDERS": "http"]).providers == .builtin)
    }

    @Test("drills and the broker are chosen by variable or option")
    func drillsAndBroker() throws {
        #expect(try !read([]).allowsDrills)
        #expect(try read(["--drills"]).allowsDrills)
        #expect(try read([], ["HOLDFAST_DRILLS": "on"]).allowsDrills)
        #expect(throws: StackOptionsError.self) { try read([], ["HOLDFAST_DRILLS": "yes"]) }
        #expect(try read([]).broker == .embedded)
        #expect(try read(["--broker", "kafka"], ["HOLDFAST_BROKER": "embedded"]).broker == .kafka)
        #expect(try read([], ["HOLDFAST_BROKER": "kafka", "KAFKA_HOME": "/opt/kafka"]).kafkaHome == "/opt/kafka")
        #expect(throws: StackOptionsError.self) { try read(["--broker", "rabbit"]) }
    }

    @Test("a link's port that is another one's is refused, when drills are allowed")
    func linkPorts() throws {
        let ports = ["--port", "fault-proxy=8079"]
        #expect(throws: Never.self) { try read(ports) }
        #expect(throws: StackOptionsError.self) { try read(ports + ["--drills"]) }
        #expect(throws: StackOptionsError.self) { try read(["--port", "fault-proxy=65530", "--drills"]) }
    }

    @Test("settings of Postgres are passed on, and what is none is refused")
    func postgresSettings() throws {
        let options = try read(["--postgres", "max_wal_size=4GB", "--postgres", "auto_explain.log_format=json"])
        #expect(options.postgresSettings == ["max_wal_size=4GB", "auto_explain.log_format=json"])
        for wrong in ["max_wal_size", "=4GB", "max wal=1"] {
            #expect(throws: StackOptionsError.self) { try read(["--postgres", wrong]) }
        }
    }

    @Test("further replicas are 100 ports apart")
    func replicas() throws {
        let options = try read(["--replicas", "order-service=3"])
        #expect(options.port(.api(.order), replica: 2) == 8180)
        #expect(options.port(.admin(.order), replica: 3) == 8281)
    }

    @Test("an admin port follows its API port unless it is given itself")
    func adminPort() throws {
        #expect(try read(["--port", "order-service=9000"]).port(.admin(.order)) == 9001)
        let both = try read(["--port", "order-service=9000", "--port", "order-service-admin=9500"])
        #expect(both.port(.admin(.order)) == 9500)
    }

    @Test("the environment counts, the command line counts more")
    func precedence() throws {
        let environment = [
            "HOLDFAST_POSTGRES_PORT": "6000", "HOLDFAST_ORDER_SERVICE_ADMIN_PORT": "6001", "HOLDFAST_SAMPLES": "off",
            "HOLDFAST_DATA": "/a", "HOLDFAST_REPLICAS": "order-service=2,payment-service=3", "HOLDFAST_BROKER_PORT": "",
        ]
        let options = try read(["--port", "postgres=7000", "--data", "/b"], environment)
        #expect(options.port(.postgres) == 7000)
        #expect(options.port(.admin(.order)) == 6001)
        #expect(options.port(.broker) == 19_092)
        #expect(options.dataFolder == "/b")
        #expect(!options.placesSamples)
        #expect(options.replicaCount(.payment) == 3)
    }

    @Test(
        "what cannot be followed is refused with what would be right",
        arguments: [
            (["--port"], "--port needs a value; see holdfast help."),
            (["--port", "postgres=0"], "--port postgres is \"0\" and should be a port from 1 to 65535."),
            (["--port", "postgres"], "--port postgres should be NAME=PORT, with NAME one of postgres, broker,"),
            (["--port", "kafka=1"], "--port kafka=1 should be NAME=PORT"),
            (["--replicas", "order-service=0"], "--replicas order-service=0 should be NAME=N"),
            (["--replicas", "orders=2"], "--replicas orders=2 should be NAME=N"),
            (["--replicas", "provider-simulator=2"], "--replicas provider-simulator=2 should be NAME=N"),
            (["--providers", "real"], "--providers is \"real\" and should be builtin or http."),
            (["--port", "provider-simulator=8080"], "the API of provider-simulator and the API of order-service both"),
            (["--colour"], "Unknown argument \"--colour\"; see holdfast help."),
            (["--port", "broker=15432"], "Postgres and the broker both want port 15432"),
            (
                ["--port", "payment-service=8180", "--replicas", "order-service=2"],
                "the API of payment-service and the API of order-service both want port 8180"
            ),
            (
                ["--port", "order-service=65500", "--replicas", "order-service=2"],
                "the API of order-service, replica 2, would get port 65600, beyond 65535"
            ),
        ])
    func refused(arguments: [String], sentence: String) {
        let error = #expect(throws: StackOptionsError.self) { try read(arguments) }
        #expect(error?.description.contains(sentence) == true)
    }

    @Test("a bad variable is named")
    func badVariable() {
        let error = #expect(throws: StackOptionsError.self) { try read([], ["HOLDFAST_BROKER_PORT": "many"]) }
        #expect(error?.description == "HOLDFAST_BROKER_PORT is \"many\" and should be a port from 1 to 65535.")
        #expect(throws: StackOptionsError.self) { try read([], ["HOLDFAST_SAMPLES": "maybe"]) }
        #expect(throws: StackOptionsError.self) { try read([], ["AUTH": "on"]) }
        #expect(throws: StackOptionsError.self) { try read([], ["AUTH": "jwt", "HOLDFAST_SAMPLES": "on"]) }
    }

    @Test("AUTH is off unless the environment says jwt; then no samples are placed")
    func authentication() throws {
        for (environment, mode) in [
            ([:], "off"), (["AUTH": "off"], "off"), (["AUTH": ""], "off"), (["AUTH": "jwt"], "jwt"),
        ] {
            let options = try read([], environment)
            #expect(options.placesSamples == (mode == "off"))
            #expect(StackPlan(options).services.allSatisfy { $0.environment["AUTH"] == mode })
        }
    }

    @Test("the help and the page on the local stack name every variable")
    func documented() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try #require(Files.text(root + "/docs/local-stack.md"))
        for variable in StackOptions.variables.sorted() {
            #expect(page.contains("`\(variable)`"), "docs/local-stack.md does not tell of \(variable)")
        }
        for option in [
            "--port", "--replicas", "--data", "--programs", "--providers", "--no-samples", "--drills", "--broker",
        ] {
            #expect(page.contains("`\(option)"), "docs/local-stack.md does not tell of \(option)")
            #expect(StackOptions.helpText.contains(option))
        }
    }
}

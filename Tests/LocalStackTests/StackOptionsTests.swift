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
        #expect(ports == [15_432, 19_092, 8082, 8083, 8084, 8085, 8086, 8087, 8080, 8081])
        #expect(options.dataFolder == ".holdfast")
        #expect(options.placesSamples)
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
    }

    @Test("the help and the page on the local stack name every variable")
    func documented() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try #require(Files.text(root + "/docs/local-stack.md"))
        for variable in StackOptions.variables.sorted() {
            #expect(page.contains("`\(variable)`"), "docs/local-stack.md does not tell of \(variable)")
        }
        for option in ["--port", "--replicas", "--data", "--programs", "--no-samples"] {
            #expect(page.contains("`\(option)"), "docs/local-stack.md does not tell of \(option)")
            #expect(StackOptions.helpText.contains(option))
        }
    }
}

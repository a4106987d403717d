import JSON
import Testing

@testable import LocalStack

@Suite("Plan of the stack")
struct StackPlanTests {
    @Test("order-service is told where everything is, and starts last")
    func environment() throws {
        let plan = StackPlan(StackOptions())
        let order = try #require(plan.services.last)
        #expect(order.service == .order)
        #expect(
            order.environment == [
                "HOST": "127.0.0.1", "PORT": "8080", "ADMIN_PORT": "8081", "AUTH": "off",
                "DATABASE_URL": "postgres://holdfast@127.0.0.1:15432/orders", "KAFKA_BOOTSTRAP": "127.0.0.1:19092",
                "INVENTORY_URL": "http://127.0.0.1:8082", "PAYMENT_URL": "http://127.0.0.1:8084",
                "SHIPPING_URL": "http://127.0.0.1:8086",
            ])
    }

    @Test("provider-simulator runs with its own data and tells nobody while the providers are builtin")
    func simulator() {
        let plan = StackPlan(StackOptions())
        #expect(plan.processes.first == plan.simulator)
        #expect(
            plan.simulator
                == PlannedService(
                    name: "provider-simulator", replica: 1, api: 8090, admin: 8091,
                    environment: [
                        "HOST": "127.0.0.1", "PORT": "8090", "ADMIN_PORT": "8091", "AUTH": "off",
                        "DATA_DIR": ".holdfast/provider-simulator",
                    ]))
        let settings = plan.services.flatMap(\.environment.keys)
        #expect(settings.allSatisfy { !["PAYMENT_PROVIDER", "CARRIER", "WEBHOOK_SECRET_FILE"].contains($0) })
    }

    @Test("with drills every connection between parts goes through a link of its own, and the services take faults")
    func drills() throws {
        var options = StackOptions()
        options.allowsDrills = true
        options.providers = .http
        options.replicas = [.order: 2, .payment: 2]
        let plan = StackPlan(options)
        let direct = StackPlan(
            { () -> StackOptions in
                var direct = options
                direct.allowsDrills = false
                return direct
            }())
        #expect(direct.links.isEmpty)
        #expect(Set(plan.links.map(\.port)).count == plan.links.count)
        let links = Dictionary(uniqueKeysWithValues: plan.links.map { ($0.name, $0) })
        let order = try #require(plan.services.first { $0.label == "order-service-2" }?.environment)
        func port(_ name: String) throws -> Int { try #require(links[name]).port }
        #expect(
            try order["DATABASE_URL"]
                == "postgres://holdfast@127.0.0.1:\(port("order-service-2.postgres"))/orders")
        #expect(try order["KAFKA_BOOTSTRAP"] == "127.0.0.1:\(port("order-service-2.broker"))")
        #expect(
            try order["PAYMENT_URL"]
                == "http://127.0.0.1:\(port("order-service.payment-service")),"
                + "http://127.0.0.1:\(port("order-service.payment-service-2"))")
        #expect(order["FAULT_INJECTION"] == "on")
        #expect(links["order-service.payment-service-2"]?.target == 8184)
        let payment = try #require(plan.services.first { $0.label == "payment-service" }?.environment)
        #expect(try payment["PROVIDER_URL"] == "http://127.0.0.1:\(port("payment-service.provider-simulator"))")
        let webhooks = try port("provider-simulator.payment-service")
        #expect(
            plan.simulator.environment["PAYMENT_WEBHOOK_URL"] == "http://127.0.0.1:\(webhooks)/v1/provider-events")
        // Nobody is told a port that is not a link's.
        let told = Set(plan.links.map { String($0.port) })
        for (name, value) in plan.services.flatMap(\.environment) where name.hasSuffix("URL") || name.hasPrefix("KAFKA")
        {
            for url in value.split(separator: ",") {
                let port = String(url.split(separator: ":").last?.prefix { $0.isNumber } ?? "")
                #expect(told.contains(port), "\(name)=\(value)")
            }
        }
        #expect(plan.links.filter { $0.argument.hasSuffix(":kafka") }.map(\.to) == .init(repeating: "broker", count: 6))
    }

    @Test("with http providers the two sides know each other's place and share a secret, which no environment shows")
    func httpProviders() throws {
        var options = StackOptions()
        options.providers = .http
        options.dataFolder = "/data"
        options.ports = [.simulator: 9000, .api(.payment): 9010, .api(.shipping): 9020]
        let plan = StackPlan(options)
        let secret = ["WEBHOOK_SECRET_FILE": "/data/webhook-secret", "WEBHOOK_SECRET": ""]
        func expect(_ planned: PlannedService?, _ settings: [String: String]) {
            for (key, value) in settings.merging(secret, uniquingKeysWith: { $1 }) {
                #expect(planned?.environment[key] == value, "\(key) of \(planned?.name ?? "nobody")")
            }
        }
        expect(
            plan.simulator,
            [
                "PAYMENT_WEBHOOK_URL": "http://127.0.0.1:9010/v1/provider-events",
                "CARRIER_WEBHOOK_URL": "http://127.0.0.1:9020/v1/carrier-events",
            ])
        expect(
            plan.services.first { $0.service == .payment },
            ["PAYMENT_PROVIDER": "http", "PROVIDER_URL": "http://127.0.0.1:9000"])
        expect(
            plan.services.first { $0.service == .shipping },
            ["CARRIER": "http", "CARRIER_URL": "http://127.0.0.1:9000"])
        let order = try #require(plan.services.last)
        #expect(order.environment.keys.allSatisfy { !$0.hasPrefix("WEBHOOK") && $0 != "PAYMENT_PROVIDER" })
    }

    @Test("with tokens the services ask for them, and provider-simulator, which does not, hears of no secret")
    func tokens() {
        var options = StackOptions()
        options.asksForTokens = true
        let plan = StackPlan(options)
        #expect(plan.services.allSatisfy { $0.environment["AUTH"] == "jwt" && $0.environment["AUTH_SECRET"] == nil })
        #expect(plan.simulator.environment["AUTH"] == "off")
        for setting in ["AUTH_SECRET", "AUTH_SECRET_FILE", "AUTH_SECRET_PREVIOUS", "AUTH_JWKS_URL", "AUTH_TOKEN_FILE"] {
            #expect(plan.simulator.environment[setting]?.isEmpty == true, "\(setting) reaches it")
        }
    }

    @Test("replicas share a database and differ in ports and label")
    func replicas() {
        var options = StackOptions()
        options.replicas[.payment] = 2
        let payments = StackPlan(options).services.filter { $0.service == .payment }
        #expect(payments.map(\.label) == ["payment-service", "payment-service-2"])
        #expect(payments.map(\.api) == [8084, 8184])
        #expect(Set(payments.map { $0.environment["DATABASE_URL"] }).count == 1)
    }

    @Test("order-service is told of every replica of its peers, by each replica of its own")
    func peers() {
        var options = StackOptions()
        options.replicas = [.payment: 2, .shipping: 3, .order: 2]
        let orders = StackPlan(options).services.filter { $0.service == .order }
        #expect(orders.count == 2)
        for order in orders {
            #expect(order.environment["INVENTORY_URL"] == "http://127.0.0.1:8082")
            #expect(order.environment["PAYMENT_URL"] == "http://127.0.0.1:8084,http://127.0.0.1:8184")
            #expect(
                order.environment["SHIPPING_URL"]
                    == "http://127.0.0.1:8086,http://127.0.0.1:8186,http://127.0.0.1:8286")
        }
    }

    @Test("a taken port is named with what it is for and the settings that change it")
    func conflicts() {
        let plan = StackPlan(StackOptions())
        #expect(plan.conflicts(isFree: { _ in true }) == [])
        let conflicts = plan.conflicts(
            isFree: { $0 != 8080 && $0 != 15_432 }, holder: { $0 == 8080 ? "tool, process 7" : nil })
        #expect(conflicts.count == 2)
        #expect(conflicts[0].hasPrefix("port 15432, for Postgres, is taken by another program: end that one"))
        #expect(conflicts[1].hasPrefix("port 8080, for the API of order-service, is taken by tool, process 7:"))
        #expect(
            conflicts[1].hasSuffix(
                "choose another port with HOLDFAST_ORDER_SERVICE_PORT=PORT or --port order-service=PORT"))
    }

    @Test("stack.json has the documented form")
    func stackFile() {
        let file = StackFile(
            supervisor: 1,
            processes: [StackFile.Process(name: "order-service", replica: 1, pid: 2, api: 8080, admin: 8081)],
            postgresPort: 15_432, brokerPort: 19_092)
        var json = JSONWriter()
        json.value(file)
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(
            text == #"{"supervisor":{"pid":1},"processes":[{"name":"order-service","replica":1,"pid":2,"api":8080,"#
                + #""admin":8081}],"postgres":{"host":"127.0.0.1","port":15432,"user":"holdfast"},"#
                + #""broker":{"port":19092}}"#)
        #expect(StackFile(parsing: json.bytes) == file)
        #expect(StackFile(parsing: Array("{}".utf8)) == nil)
    }

    @Test("stack.json tells drills what they need, and nobody else")
    func stackFileWithDrills() {
        let file = StackFile(
            supervisor: 1, processes: [], postgresPort: 2, brokerPort: 3,
            drills: StackFile.Drills(
                proxy: 4, proxyURL: "http://127.0.0.1:5", control: "/c", postgresData: "/p", brokerData: nil,
                links: [PlannedLink(from: "a", to: "b", port: 6, target: 7)]))
        var json = JSONWriter()
        json.value(file)
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(
            text.hasSuffix(
                #","drills":{"proxy":{"pid":4,"control":"http://127.0.0.1:5"},"control":"/c","postgresData":"/p","#
                    + #""brokerData":null,"links":[{"name":"a.b","from":"a","to":"b","port":6,"target":7}]}}"#))
        #expect(StackFile(parsing: json.bytes) == file)
    }
}

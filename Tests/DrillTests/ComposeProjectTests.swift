import Testing

@testable import Drill
@testable import LocalStack

@Suite("A stack in containers")
struct ComposeProjectTests {
    private func line(_ service: String, id: String, pid: Int, ports: [(Int, Int)]) -> String {
        let bindings = ports.map { #""\#($0.0)/tcp":[{"HostIp":"127.0.0.1","HostPort":"\#($0.1)"}]"# }
        return #"{"id":"\#(id)","pid":\#(pid),"service":"\#(service)","ports":{\#(bindings.joined(separator: ","))}}"#
    }

    @Test("knows services, their replicas and the servers by the names of drills")
    func names() {
        #expect(ComposeProject.target(of: "order-service") == DrillTarget(name: "order-service", replica: 1))
        #expect(ComposeProject.target(of: "payment-service-2") == DrillTarget(name: "payment-service", replica: 2))
        #expect(ComposeProject.target(of: "kafka") == DrillTarget(name: "dev-broker", replica: 1))
        for other in ["order-migrate", "prometheus", "fault-proxy", "order-service-old", "topics"] {
            #expect(ComposeProject.target(of: other) == nil, "\(other)")
        }
    }

    @Test("reads what docker says, and keeps the process of a container that is down until there is another")
    func reads() throws {
        let up = [
            line("order-service-2", id: "b", pid: 12, ports: [(8080, 9180), (8081, 9181)]),
            line("order-service", id: "a", pid: 11, ports: [(8080, 9080), (8081, 9081)]),
            line("kafka", id: "k", pid: 13, ports: [(9092, 9192)]),
            line("postgres", id: "p", pid: 14, ports: [(5432, 9432)]),
            line("fault-proxy", id: "f", pid: 15, ports: [(20_000, 9200)]),
            line("prometheus", id: "m", pid: 16, ports: [(9090, 9090)]),
        ]
        let file = try ComposeProject.read(up.joined(separator: "\n"), before: nil)
        #expect(file.processes.map(\.api) == [9080, 9180] && file.processes.map(\.pid) == [11, 12])
        #expect(file.postgresPort == 9432 && file.brokerPort == 9192)
        #expect(file.drills?.proxyURL == "http://127.0.0.1:9200")
        #expect(Set(file.containers.map(\.id)) == ["a", "b", "k", "p"])

        let down = line("order-service", id: "a", pid: 0, ports: [(8080, 9080), (8081, 9081)])
        #expect(try ComposeProject.read(down, before: file).processes.map(\.pid) == [11])
        let again = line("order-service", id: "a", pid: 21, ports: [(8080, 9080), (8081, 9081)])
        #expect(try ComposeProject.read(again, before: file).processes.map(\.pid) == [21])
    }

    @Test("refuses a service that cannot be reached, and what docker never says")
    func refuses() {
        for wrong in ["no such object", line("order-service", id: "a", pid: 1, ports: [(8080, 1)])] {
            #expect(throws: DrillError.self) { try ComposeProject.read(wrong, before: nil) }
        }
    }

    @Test("is chosen on the command line, with data and a project of its own")
    func options() throws {
        let named = try DrillOptions(
            arguments: ["run", "x", "--target", "compose", "--project", "shop"], environment: [:])
        #expect(named.place == .compose && named.project == "shop" && named.dataFolder == ".holdfast/compose")
        let given = try DrillOptions(
            arguments: ["verify", "--target", "compose", "--data", "d"], environment: ["COMPOSE_PROJECT_NAME": "p"])
        #expect(given.dataFolder == "d" && given.project == "p")
        #expect(throws: DrillError.self) {
            try DrillOptions(arguments: ["run", "x", "--target", "compose", "--up"], environment: [:])
        }
        #expect(throws: DrillError.self) {
            try DrillOptions(arguments: ["run", "x", "--target", "moon"], environment: [:])
        }
    }

    @Test("the faults that can be made there say so")
    func places() {
        let there = FaultRegistry.all.filter { $0.places.contains(.compose) }.map { $0.kind }
        #expect(there.contains("kill") && there.contains("pause") && there.contains("latency"))
        // What needs the supervisor of `holdfast up`, or its files.
        for kind in ["crash-at", "step-clock", "fill-disk", "empty-broker", "exhaust-descriptors"] {
            #expect(!there.contains(kind), "\(kind)")
        }
    }
}

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

    @Test("replicas share a database and differ in ports and label")
    func replicas() {
        var options = StackOptions()
        options.replicas[.payment] = 2
        let payments = StackPlan(options).services.filter { $0.service == .payment }
        #expect(payments.map(\.label) == ["payment-service", "payment-service-2"])
        #expect(payments.map(\.api) == [8084, 8184])
        #expect(Set(payments.map { $0.environment["DATABASE_URL"] }).count == 1)
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
}

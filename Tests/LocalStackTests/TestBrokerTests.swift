import LocalStack
import TestSupport
import Testing

@Suite("The broker for tests")
struct TestBrokerTests {
    @Test("one broker is shared and listens where it says")
    func shared() async throws {
        let broker = try await TestBroker.shared()
        #expect(Ports.accepts(broker.port))
        #expect(try await TestBroker.shared().process.pid == broker.process.pid)
    }

    @Test("a broker of one's own can be stopped, and started again on its port")
    func own() async throws {
        let first = try await TestBroker.start(topics: ["a": 1, "b": 2])
        await first.stop()
        #expect(!Ports.accepts(first.port))
        let second = try await TestBroker.start(port: first.port)
        #expect(second.port == first.port)
        await second.stop()
    }
}

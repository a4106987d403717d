import Clocks
import Kafka
import LocalStack
import TestSupport
import Testing

@Suite("When the embedded broker goes away")
struct BrokerLossTests {
    private let time = SystemTime()

    @Test("after a restart with nothing in it, on the same port, producer and consumer carry on by themselves")
    func restart() async throws {
        let port = Ports.anyFree()
        let broker = try await TestBroker.start(port: port, topics: ["t": 2])
        var configuration = KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test")
        configuration.sessionTimeout = .seconds(4)
        configuration.maximumReconnectBackoff = .milliseconds(200)
        let events = Events()
        let producer = try KafkaProducer(configuration: configuration, time: time) { events.add($0) }
        let consumer = try KafkaConsumer(configuration: configuration, group: "g", topics: ["t"]) { events.add($0) }
        let reading = Reading()
        let reader = Task {
            while let batch = try? await consumer.nextBatch(maximum: 100) {
                await reading.add(batch)
                consumer.finished(batch)
            }
        }
        func send(_ numbers: Range<Int>) async -> Int {
            await producer.send(
                numbers.map { KafkaRecord(topic: "t", key: Array("key-\($0)".utf8), value: Array("\($0)".utf8)) }
            ).count { (try? $0.get()) != nil }
        }
        #expect(await send(0..<50) == 50)
        #expect(await reading.waitUntil { Set($0.map(\.number)).isSuperset(of: 0..<50) })
        #expect(await producer.reachesBroker(timeout: .seconds(5)))

        await broker.stop()
        #expect(await !producer.reachesBroker(timeout: .milliseconds(200)))
        async let during = send(50..<60)
        let again = try await TestBroker.start(port: port, topics: ["t": 2])
        #expect(await during == 10, "the producer waits for the broker to come back")
        #expect(await send(60..<80) == 20)
        #expect(await reading.waitUntil { Set($0.map(\.number)).isSuperset(of: 50..<80) })
        #expect(events.count { if case .connectionLost = $0 { true } else { false } } > 0)

        await consumer.close()
        await reader.value
        await producer.close(patience: .seconds(5))
        await again.stop()
    }

    @Test("leaving a broker that does not answer ends at its deadline")
    func frozen() async throws {
        let broker = try await TestBroker.start(topics: ["t": 2])
        var configuration = KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test")
        configuration.sessionTimeout = .seconds(4)
        let producer = try KafkaProducer(configuration: configuration, time: time)
        let consumer = try KafkaConsumer(configuration: configuration, group: "g", topics: ["t"])
        _ = try await producer.send(KafkaRecord(topic: "t", key: nil, value: [1]))
        let batch = try await consumer.nextBatch(maximum: 1)
        broker.process.send(.stop)
        // The signal takes effect when the kernel gets to it.
        while Files.text("/proc/\(broker.process.pid)/stat")?.contains(") T ") != true {
            try await time.sleep(for: .milliseconds(1))
        }
        consumer.finished(batch)
        let begin = time.now
        let sent = await producer.send(
            [KafkaRecord(topic: "t", key: nil, value: [2])], deadline: begin.advanced(by: .milliseconds(200)))
        #expect(sent.count { (try? $0.get()) != nil } == 0)
        await consumer.close(patience: .seconds(1))
        await producer.close(patience: .milliseconds(100))
        #expect(begin.duration(to: time.now) < .seconds(8))
        broker.process.send(.kill)
        await broker.stop()
    }
}

@Suite("A reader that waits")
struct ReaderTests {
    @Test("is freed by cancellation, by the end of reading and by closing, and never twice")
    func freed() async throws {
        let configuration = KafkaConfiguration(bootstrap: "127.0.0.1:1", clientID: "test")
        let consumer = try KafkaConsumer(configuration: configuration, group: "g", topics: ["t"])
        let cancelled = Task { try await consumer.nextBatch(maximum: 1) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let stopped = Task { try await consumer.nextBatch(maximum: 1) }
        consumer.stopReading()
        await #expect(throws: KafkaError.closed) { try await stopped.value }
        await consumer.close(patience: .seconds(1))
        await #expect(throws: KafkaError.closed) { try await consumer.nextBatch(maximum: 1) }
        await consumer.close()
    }
}

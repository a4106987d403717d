import Clocks
import Kafka
import TestSupport
import Testing

@Suite("Kafka against the embedded broker", .serialized)
struct KafkaRoundTripTests {
    private func configuration(_ port: Int) -> KafkaConfiguration {
        var configuration = KafkaConfiguration(bootstrap: "127.0.0.1:\(port)", clientID: "test")
        configuration.sessionTimeout = .seconds(4)
        configuration.revocationPatience = .milliseconds(300)
        return configuration
    }

    private func record(_ number: Int, key: String) -> KafkaRecord {
        KafkaRecord(
            topic: "order.events", key: Array(key.utf8),
            headers: [("a", Array("1".utf8)), ("a", []), ("none", nil)], value: Array("\(number)".utf8))
    }

    private func number(_ message: KafkaMessage) -> Int {
        Int(String(decoding: message.value ?? [], as: UTF8.self)) ?? -1
    }

    @Test("records arrive with key, headers and value, in order per key, and none is read again after it was finished")
    func roundTrip() async throws {
        try await withBroker { port in
            let producer = try KafkaProducer(configuration: configuration(port), time: SystemTime())
            let sent = await producer.send((0..<500).map { record($0, key: "key-\($0 % 7)") })
            #expect(sent.allSatisfy { (try? $0.get()) != nil })
            #expect(producer.outstandingCount == 0)

            let first = try KafkaConsumer(configuration: configuration(port), group: "g", topics: ["order.events"])
            var seen: [String: [Int]] = [:]
            var count = 0
            while count < 300 {
                let batch = try await first.nextBatch(maximum: 50)
                #expect(batch.count <= 50)
                for message in batch {
                    seen[String(decoding: message.key ?? [], as: UTF8.self), default: []].append(number(message))
                    #expect(message.headers.map(\.name) == ["a", "a", "none"])
                    #expect(message.headers.map(\.value) == [Array("1".utf8), [], nil])
                }
                count += batch.count
                first.finished(batch)
            }
            await first.close()

            let second = try KafkaConsumer(configuration: configuration(port), group: "g", topics: ["order.events"])
            while count < 500 {
                let batch = try await second.nextBatch(maximum: 500)
                for message in batch {
                    seen[String(decoding: message.key ?? [], as: UTF8.self), default: []].append(number(message))
                }
                count += batch.count
                second.finished(batch)
            }
            await second.close()
            #expect(seen.count == 7)
            for (key, numbers) in seen { #expect(numbers == numbers.sorted(), "\(key)") }
            #expect(Set(seen.values.joined()) == Set(0..<500), "finished once, read once")
            producer.close()
        }
    }

    @Test("what was not finished is read again by the next member")
    func redelivery() async throws {
        try await withBroker { port in
            let producer = try KafkaProducer(configuration: configuration(port), time: SystemTime())
            _ = await producer.send((0..<10).map { record($0, key: "k") })
            let first = try KafkaConsumer(configuration: configuration(port), group: "g", topics: ["order.events"])
            var unfinished: [Int] = []
            while unfinished.count < 10 { unfinished += try await first.nextBatch(maximum: 100).map(number) }
            await first.close()
            let second = try KafkaConsumer(configuration: configuration(port), group: "g", topics: ["order.events"])
            var again: [Int] = []
            while again.count < 10 { again += try await second.nextBatch(maximum: 100).map(number) }
            #expect(again == unfinished)
            await second.close()
            producer.close()
        }
    }

    @Test("a waiting reader is freed by cancellation and by closing")
    func freed() async throws {
        try await withBroker { port in
            let consumer = try KafkaConsumer(configuration: configuration(port), group: "g", topics: ["order.events"])
            let reader = Task { try await consumer.nextBatch(maximum: 1) }
            reader.cancel()
            await #expect(throws: CancellationError.self) { try await reader.value }
            let other = Task { try await consumer.nextBatch(maximum: 1) }
            await consumer.close()
            await #expect(throws: (any Error).self) { try await other.value }
        }
    }

    @Test("a producer without a broker reports failures that can be retried, and leaves nothing behind when closed")
    func away() async throws {
        var nowhere = configuration(1)
        nowhere.deliveryTimeout = .milliseconds(300)
        let producer = try KafkaProducer(configuration: nowhere, time: SystemTime())
        let results = await producer.send([record(1, key: "k"), record(2, key: "k")])
        for result in results {
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.isRetriable && !error.isFatal)
        }
        #expect(producer.outstandingCount == 0)
        producer.close()
        let late = await producer.send([record(3, key: "k")])
        #expect(late.count == 1)
    }

    @Test("two members share the partitions, and nothing is lost when one joins or leaves")
    func rebalance() async throws {
        try await withBroker { port in
            let producer = try KafkaProducer(configuration: configuration(port), time: SystemTime())
            let collected = Collected()
            func member() throws -> (KafkaConsumer, Task<Void, Never>) {
                let consumer = try KafkaConsumer(
                    configuration: configuration(port), group: "g", topics: ["order.events"])
                let task = Task {
                    while let batch = try? await consumer.nextBatch(maximum: 20) {
                        await collected.add(batch.map(number))
                        consumer.finished(batch)
                    }
                }
                return (consumer, task)
            }
            let (first, firstTask) = try member()
            _ = await producer.send((0..<200).map { record($0, key: "key-\($0)") })
            while await collected.count < 100 { await Task.yield() }
            let (second, secondTask) = try member()
            while !second.isAssigned { try await Task.sleep(for: .milliseconds(20)) }
            _ = await producer.send((200..<400).map { record($0, key: "key-\($0)") })
            await first.close()
            _ = await producer.send((400..<500).map { record($0, key: "key-\($0)") })
            while await collected.distinct < 500 { try await Task.sleep(for: .milliseconds(20)) }
            await second.close()
            await firstTask.value
            await secondTask.value
            producer.close()
        }
    }
}

private actor Collected {
    private var numbers: [Int] = []

    var count: Int { numbers.count }
    var distinct: Int { Set(numbers).count }

    func add(_ more: [Int]) { numbers += more }
}

private func withBroker(_ body: (Int) async throws -> Void) async throws {
    let broker = try await TestBroker.start(topics: ["order.events": 4])
    do {
        try await body(broker.port)
        await broker.stop()
    } catch {
        await broker.stop()
        throw error
    }
}

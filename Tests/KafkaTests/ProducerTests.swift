import Clocks
import LocalStack
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite("A producer in trouble")
struct ProducerTests {
    private let time = SystemTime()

    /// A configuration for a port where nobody listens.
    private func nowhere(deliveryTimeout: Duration = .seconds(30)) -> KafkaConfiguration {
        var configuration = KafkaConfiguration(bootstrap: "127.0.0.1:1", clientID: "test")
        configuration.deliveryTimeout = deliveryTimeout
        return configuration
    }

    private func records(_ count: Int, to topic: String = "t") -> [KafkaRecord] {
        (0..<count).map { KafkaRecord(topic: topic, key: nil, value: Array("\($0)".utf8)) }
    }

    private func errors(_ results: [Result<KafkaPosition, KafkaError>]) -> [KafkaError] {
        results.compactMap { result in
            guard case .failure(let error) = result else { return nil }
            return error
        }
    }

    @Test("without a broker records fail after the delivery timeout, can be tried again, and were not written")
    func noBroker() async throws {
        let producer = try KafkaProducer(configuration: nowhere(deliveryTimeout: .milliseconds(300)), time: time)
        let failed = errors(await producer.send(records(2)))
        #expect(failed.map(\.name) == ["_MSG_TIMED_OUT", "_MSG_TIMED_OUT"])
        #expect(failed.allSatisfy { $0.isRetriable && !$0.isFatal && !$0.mayBeWritten })
        #expect(producer.outstandingCount == 0)
        await producer.close(patience: .zero)
    }

    @Test("closing answers everyone at once, and nothing is taken after it")
    func closing() async throws {
        let producer = try KafkaProducer(configuration: nowhere(), time: time)
        let waiting = Task { await producer.send(records(1000)) }
        while producer.outstandingCount < 1000 { try await time.sleep(for: .milliseconds(1)) }
        let begin = time.now
        await producer.close(patience: .zero)
        #expect(begin.duration(to: time.now) < .seconds(5))
        #expect(errors(await waiting.value).count == 1000)
        #expect(producer.outstandingCount == 0)
        #expect(errors(await producer.send(records(1))) == [.closed])
        #expect(await !producer.reachesBroker(timeout: .milliseconds(10)))
    }

    @Test("a deadline ends the wait although the broker is away, and says that the records may still be written")
    func deadline() async throws {
        let producer = try KafkaProducer(configuration: nowhere(), time: time)
        let begin = time.now
        let failed = errors(await producer.send(records(3), deadline: begin.advanced(by: .milliseconds(100))))
        #expect(failed.map(\.name) == Array(repeating: "DEADLINE_EXCEEDED", count: 3))
        #expect(failed.allSatisfy { $0.mayBeWritten })
        #expect(begin.duration(to: time.now) < .seconds(5))
        await producer.close(patience: .zero)
        #expect(producer.outstandingCount == 0)
    }

    @Test("a cancelled task does not wait any longer")
    func cancellation() async throws {
        let producer = try KafkaProducer(configuration: nowhere(), time: time)
        let waiting = Task { await producer.send(records(2)) }
        while producer.outstandingCount < 2 { try await time.sleep(for: .milliseconds(1)) }
        waiting.cancel()
        #expect(errors(await waiting.value).map(\.name) == ["CANCELLED", "CANCELLED"])

        let before = Task {
            while !Task.isCancelled { await Task.yield() }
            return await producer.send(records(2))
        }
        before.cancel()
        #expect(errors(await before.value).map(\.mayBeWritten) == [false, false], "cancelled before it began")
        await producer.close(patience: .zero)
        #expect(producer.outstandingCount == 0)
    }

    @Test("when the client's queue is full, further records wait for room and get through in order")
    func queueFull() async throws {
        var configuration = KafkaConfiguration(bootstrap: try await TestBroker.shared().bootstrap, clientID: "test")
        configuration.maximumQueuedRecords = 10
        let producer = try KafkaProducer(configuration: configuration, time: time)
        let scene = Scene("queue-full")
        async let other = producer.send((0..<300).map { scene.record($0, key: "other") })
        let results = await producer.send((0..<300).map { scene.record($0, key: "k") })
        let offsets = results.compactMap { try? $0.get().offset }
        #expect(offsets.count == 300 && offsets == offsets.sorted())
        #expect(errors(await other).isEmpty)
        #expect(producer.outstandingCount == 0)
        await producer.close(patience: .seconds(5))
    }

    @Test("records that find no room before the deadline were certainly not written")
    func noRoom() async throws {
        var configuration = nowhere()
        configuration.maximumQueuedRecords = 10
        let producer = try KafkaProducer(configuration: configuration, time: time)
        let deadline = time.now.advanced(by: .milliseconds(100))
        let failed = errors(await producer.send(records(15), deadline: deadline))
        #expect(failed.map(\.mayBeWritten) == Array(repeating: true, count: 10) + Array(repeating: false, count: 5))
        await producer.close(patience: .zero)
        #expect(producer.outstandingCount == 0)
    }

    @Test("a client that librdkafka declares dead is replaced, and what was under way is reported")
    func fatal() async throws {
        let events = Events()
        let configuration = KafkaConfiguration(bootstrap: try await TestBroker.shared().bootstrap, clientID: "test")
        let producer = try KafkaProducer(configuration: configuration, time: time) { events.add($0) }
        let scene = Scene("fatal")
        _ = try await producer.send(scene.record(1, key: "k"))
        producer.failForTesting()
        let deadline = time.now.advanced(by: .seconds(10))
        while events.count(where: { if case .replaced = $0 { true } else { false } }) == 0, time.now < deadline {
            do throws(KafkaError) {
                _ = try await producer.send(scene.record(2, key: "k"))
            } catch {
                #expect(error.isRetriable, "\(error)")
                try await time.sleep(for: .milliseconds(5))
            }
        }
        #expect(events.count { if case .replaced = $0 { true } else { false } } == 1)
        _ = try await producer.send(scene.record(3, key: "k"))
        #expect(producer.outstandingCount == 0)
        await producer.close(patience: .seconds(5))
    }

    @Test("a setting that librdkafka refuses is named")
    func refusedSetting() {
        var configuration = nowhere()
        configuration.maximumQueuedRecords = -1
        #expect {
            try KafkaProducer(configuration: configuration, time: time)
        } throws: {
            ($0 as? KafkaError)?.detail.contains("queue.buffering.max.messages=-1") ?? false
        }
    }

    @Test("a record that is too large fails, its neighbours do not")
    func tooLarge() async throws {
        let configuration = KafkaConfiguration(bootstrap: try await TestBroker.shared().bootstrap, clientID: "test")
        let producer = try KafkaProducer(configuration: configuration, time: time)
        let scene = Scene("too-large")
        let large = KafkaRecord(topic: scene.topic, key: nil, value: Array(repeating: 0, count: 2_000_000))
        let results = await producer.send([scene.record(1, key: "k"), large, scene.record(2, key: "k")])
        #expect(errors(results).map(\.name) == ["MSG_SIZE_TOO_LARGE"])
        #expect(errors(results).allSatisfy { !$0.isRetriable })
        #expect((try? results[0].get()) != nil && (try? results[2].get()) != nil)
        await producer.close(patience: .seconds(5))
    }
}

/// What a client said.
final class Events: Sendable {
    private let events = Mutex<[KafkaEvent]>([])

    func add(_ event: KafkaEvent) { events.withLock { $0.append(event) } }

    func count(where matches: (KafkaEvent) -> Bool) -> Int { events.withLock { $0 }.count(where: matches) }
}

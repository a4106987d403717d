import Clocks
import Kafka
import LocalStack
import TestSupport
import Testing

@Suite("Producer and consumer against a cluster")
struct ConformanceTests {
    @Test(
        "Apache Kafka is among the clusters tested",
        .enabled(if: TestCluster.kafkaHome != nil, "set KAFKA_HOME and install Java to test against Apache Kafka too"))
    func apacheKafkaIsThere() async throws {
        #expect(try await TestCluster.apacheKafka.bootstrap().hasPrefix("127.0.0.1:"))
    }

    @Test(
        "records arrive with key, headers and value, in order per key, and none is read again after it was finished",
        arguments: TestCluster.available)
    func roundTrip(cluster: TestCluster) async throws {
        let scene = Scene("round-trip")
        var configuration = try await cluster.configuration()
        // The group's first commit may wait for the cluster to make room for offsets.
        configuration.commitPatience = .seconds(30)
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        let headers: [(name: String, value: [UInt8]?)] = [("a", Array("1".utf8)), ("a", []), ("none", nil)]
        let sent = await producer.send((0..<500).map { scene.record($0, key: "key-\($0 % 7)", headers: headers) })
        #expect(sent.allSatisfy { (try? $0.get()) != nil })
        #expect(Set(sent.compactMap { try? $0.get() }).count == 500, "each lies in a place of its own")
        #expect(producer.outstandingCount == 0)

        let reading = Reading()
        for (goal, maximum) in [(300, 50), (500, 500)] {
            let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
            while await reading.count < goal {
                let batch = try await consumer.nextBatch(maximum: maximum)
                #expect(!batch.isEmpty && batch.count <= maximum)
                consumer.finished(batch)
                await reading.add(batch)
            }
            await consumer.close(patience: .seconds(40))
        }
        let messages = await reading.messages
        #expect(messages.map(\.number).sorted() == Array(0..<500), "finished once, read once")
        for (key, ofKey) in Dictionary(grouping: messages, by: \.keyText) {
            #expect(ofKey.map(\.number) == ofKey.map(\.number).sorted(), "\(key)")
        }
        for message in messages {
            #expect(message.headers.map(\.name) == ["a", "a", "none"])
            #expect(message.headers.map(\.value) == [Array("1".utf8), [], nil])
        }
        await producer.close(patience: .seconds(5))
    }

    @Test(
        "a record without key, value or headers, and one with empty ones, arrive as such",
        arguments: TestCluster.available)
    func emptyParts(cluster: TestCluster) async throws {
        let scene = Scene("empty")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        for part in [[UInt8]?.none, []] {
            _ = try await producer.send(KafkaRecord(topic: scene.topic, key: part, value: part))
        }
        let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
        var parts: [[UInt8]?] = []
        while parts.count < 2 {
            for message in try await consumer.nextBatch(maximum: 10) {
                #expect(message.key == message.value && message.headers.isEmpty)
                parts.append(message.value)
            }
        }
        #expect(parts.contains([]) && parts.contains(nil))
        await consumer.close()
        await producer.close(patience: .seconds(5))
    }

    @Test("what was not finished is read again by the next member", arguments: TestCluster.available)
    func redelivery(cluster: TestCluster) async throws {
        let scene = Scene("redelivery")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        _ = await producer.send((0..<10).map { scene.record($0, key: "k") })
        var rounds: [[Int]] = []
        for _ in 0..<2 {
            let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
            var numbers: [Int] = []
            while numbers.count < 10 { numbers += try await consumer.nextBatch(maximum: 100).map(\.number) }
            rounds.append(numbers)
            await consumer.close()
        }
        #expect(rounds == [Array(0..<10), Array(0..<10)])
        await producer.close(patience: .seconds(5))
    }

    @Test(
        "a batch in work when a second member joins is finished and committed before its partitions go",
        arguments: TestCluster.available)
    func handOver(cluster: TestCluster) async throws {
        let scene = Scene("hand-over")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        _ = await producer.send((0..<40).map { scene.record($0, key: "key-\($0)") })
        let first = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
        var early: [KafkaMessage] = []
        while early.count < 40 { early += try await first.nextBatch(maximum: 40) }

        let revoked = Reading()
        let second = try KafkaConsumer(
            configuration: configuration, group: scene.group, topics: [scene.topic])
        let secondReader = Task {
            while let batch = try? await second.nextBatch(maximum: 10) {
                second.finished(batch)
                await revoked.add(batch)
            }
        }
        // The rebalance waits for the batch; it is finished only once the rebalance must be under way.
        try await SystemTime().sleep(for: .milliseconds(1200))
        first.finished(early)
        let reader = Task {
            while let batch = try? await first.nextBatch(maximum: 10) {
                first.finished(batch)
                await revoked.add(batch)
            }
        }
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(30))
        while !(first.isAssigned && second.isAssigned), time.now < deadline {
            try await time.sleep(for: .milliseconds(20))
        }
        #expect(first.isAssigned && second.isAssigned)
        #expect(first.statistics.handBackTimeouts == 0)
        _ = await producer.send((40..<80).map { scene.record($0, key: "key-\($0)") })
        #expect(await revoked.waitUntil { Set($0.map(\.number)).isSuperset(of: 40..<80) })
        #expect(await revoked.numbers.sorted() == Array(40..<80))
        await first.close()
        await second.close()
        await reader.value
        await secondReader.value
        await producer.close(patience: .seconds(5))
    }

    @Test("nothing is lost and order is kept when members join and leave", arguments: TestCluster.available)
    func comingAndGoing(cluster: TestCluster) async throws {
        let scene = Scene("coming-and-going")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        func member() throws -> (consumer: KafkaConsumer, reading: Reading, task: Task<Void, Never>) {
            let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
            let reading = Reading()
            let task = Task {
                while let batch = try? await consumer.nextBatch(maximum: 20) {
                    await reading.add(batch)
                    consumer.finished(batch)
                }
            }
            return (consumer, reading, task)
        }
        let first = try member()
        _ = await producer.send((0..<200).map { scene.record($0, key: "key-\($0 % 20)") })
        #expect(await first.reading.waitUntil { $0.count >= 100 })
        let second = try member()
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(30))
        while !second.consumer.isAssigned, time.now < deadline { try await time.sleep(for: .milliseconds(20)) }
        _ = await producer.send((200..<400).map { scene.record($0, key: "key-\($0 % 20)") })
        await first.consumer.close()
        await first.task.value
        _ = await producer.send((400..<500).map { scene.record($0, key: "key-\($0 % 20)") })
        let firstNumbers = await Set(first.reading.numbers)
        #expect(await second.reading.waitUntil { firstNumbers.union($0.map(\.number)).count == 500 })
        await second.consumer.close()
        await second.task.value
        for reading in [first.reading, second.reading] {
            for (key, ofKey) in Dictionary(grouping: await reading.messages, by: \.keyText) {
                // A repeat goes back to what was not committed; from there on order holds again.
                var seen: Set<Int> = []
                let fresh = ofKey.map(\.number).filter { seen.insert($0).inserted }
                #expect(fresh == fresh.sorted(), "\(key)")
            }
        }
        await producer.close(patience: .seconds(5))
    }

    @Test("a static member that comes back goes on where it stopped", arguments: TestCluster.available)
    func staticMember(cluster: TestCluster) async throws {
        let scene = Scene("static")
        var configuration = try await cluster.configuration()
        configuration.groupInstanceID = "member-1"
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        for round in 0..<2 {
            _ = try await producer.send(scene.record(round, key: "k"))
            let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
            let batch = try await consumer.nextBatch(maximum: 10)
            #expect(batch.map(\.number) == [round])
            consumer.finished(batch)
            await consumer.close()
        }
        await producer.close(patience: .seconds(5))
    }

    @Test(
        "a member that waits for records leaves at once, and its successor need not wait for the end of its session",
        arguments: TestCluster.available)
    func leavingWhileWaiting(cluster: TestCluster) async throws {
        let scene = Scene("leaving")
        let time = SystemTime()
        var configuration = try await cluster.configuration()
        configuration.sessionTimeout = .seconds(30)
        // A fetch that nothing comes for would hold up whoever waited for its end, and so three rounds for 15 s.
        configuration.fetchWait = .seconds(5)
        let producer = try KafkaProducer(configuration: configuration, time: time)
        _ = try await producer.send(scene.record(0, key: "k"))
        var closing = Duration.zero
        for round in 0..<3 {
            let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
            let batch = try await consumer.nextBatch(maximum: 10)
            #expect(batch.map(\.number) == [round])
            consumer.finished(batch)
            // The next fetch is under way before this answer comes.
            _ = try await producer.send(scene.record(round + 1, key: "another"))
            let more = try await consumer.nextBatch(maximum: 10)
            #expect(more.map(\.number) == [round + 1])
            let begin = time.now
            await consumer.close()
            closing += begin.duration(to: time.now)
        }
        #expect(closing < .seconds(6), "three times")
        await producer.close(patience: .seconds(5))
    }

    @Test("lag is what is not handled yet, and nothing at the end", arguments: TestCluster.available)
    func lag(cluster: TestCluster) async throws {
        let scene = Scene("lag")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        _ = await producer.send((0..<30).map { scene.record($0, key: "key-\($0)") })
        let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
        func total() -> Int { Int(consumer.lag.map(\.lag).reduce(0, +)) }
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(20))
        while total() != 30, time.now < deadline { try await time.sleep(for: .milliseconds(20)) }
        #expect(total() == 30, "before anything is read")
        var count = 0
        while count < 30 {
            let batch = try await consumer.nextBatch(maximum: 7)
            count += batch.count
            consumer.finished(batch)
            #expect(total() == 30 - count)
        }
        await consumer.close()
        #expect(consumer.lag.isEmpty)
        await producer.close(patience: .seconds(5))
    }

    @Test(
        "fifty thousand records go through, in order per partition, and leave nothing behind",
        arguments: TestCluster.available)
    func volume(cluster: TestCluster) async throws {
        let scene = Scene("volume")
        let configuration = try await cluster.configuration()
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        let consumer = try KafkaConsumer(configuration: configuration, group: scene.group, topics: [scene.topic])
        let reader = Task { () -> (count: Int, isOrdered: Bool) in
            var last: [Int32: Int64] = [:]
            var count = 0
            var isOrdered = true
            while count < 50_000, let batch = try? await consumer.nextBatch(maximum: 500) {
                for message in batch {
                    let previous = last.updateValue(message.position.offset, forKey: message.position.partition)
                    if let previous, previous >= message.position.offset { isOrdered = false }
                }
                count += batch.count
                consumer.finished(batch)
            }
            return (count, isOrdered)
        }
        for start in stride(from: 0, to: 50_000, by: 1000) {
            let results = await producer.send((start..<start + 1000).map { scene.record($0, key: "key-\($0)") })
            #expect(results.allSatisfy { (try? $0.get()) != nil })
        }
        #expect(producer.outstandingCount == 0)
        let (count, isOrdered) = await reader.value
        #expect(count == 50_000)
        #expect(isOrdered)
        await consumer.close()
        await producer.close(patience: .seconds(5))
    }
}

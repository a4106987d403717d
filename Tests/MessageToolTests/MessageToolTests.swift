import Clocks
import Kafka
import TestSupport
import Testing

@testable import MessageTool

@Suite("Messages published on purpose")
struct MessageToolTests {
    @Test("the command line is read, and what is wrong with it is said")
    func options() throws {
        let options = try MessageToolOptions(
            arguments: ["replay", "--bootstrap", "a:1", "--topic", "x", "--topic", "y", "--share", "0.5", "--shuffled"])
        #expect(options.action == .replay(share: 0.5, isShuffled: true))
        let renamed = try MessageToolOptions(arguments: ["replay", "--bootstrap", "a:1", "--topic", "x", "--renamed"])
        #expect(renamed.action == .replay(share: 1, isShuffled: false, isRenamed: true))
        #expect(options.topics == ["x", "y"])
        let poison = try MessageToolOptions(
            arguments: [
                "poison", "--bootstrap", "a:1", "--topic", "x", "--form", "wrong", "--count", "3", "--seed", "9",
            ])
        #expect(poison.action == .poison(.wrong, count: 3))
        #expect(poison.seed == 9)
        #expect(try MessageToolOptions(arguments: ["count", "--bootstrap", "a:1", "--topic", "x"]).action == .count)
        for wrong in [
            [], ["send"], ["count", "--bootstrap", "a:1"], ["count", "--shuffled"], ["replay"],
            ["replay", "--bootstrap", "a:1"], ["poison", "--shuffled"],
            ["replay", "--share", "2"], ["poison", "--count", "0"],
        ] {
            #expect(throws: MessageToolUsageError.self) { try MessageToolOptions(arguments: wrong) }
        }
    }

    @Test("what a topic holds is published again with key, headers and content, and out of order when asked")
    func replays() async throws {
        let bootstrap = try await TestBroker.shared().bootstrap
        let topic = "replay-\(SystemRandom().next())"
        let configuration = KafkaConfiguration(bootstrap: bootstrap, clientID: "test")
        let producer = try KafkaProducer(configuration: configuration, time: SystemTime())
        let records = (0..<40).map { number in
            KafkaRecord(
                topic: topic, key: Array("k".utf8), headers: [("ce_id", Array("id-\(number)".utf8))],
                value: Array("\(number)".utf8))
        }
        for result in await producer.send(records) { _ = try result.get() }
        await producer.close(patience: .seconds(5))

        #expect(try await KafkaTopics.ends(of: [topic, "none-\(topic)"], configuration: configuration)[topic] == 40)

        let common = ["--bootstrap", bootstrap, "--topic", topic]
        #expect(await MessageToolCommand.run(arguments: ["replay", "--shuffled"] + common) == 0)
        let all = try await TopicReader.read([topic], at: bootstrap, time: SystemTime())
        let numbers = all.compactMap { Int(String(decoding: $0.value ?? [], as: UTF8.self)) }
        try #require(numbers.count == 80)
        #expect(Array(numbers.prefix(40)) == Array(0..<40))
        #expect(numbers.suffix(40).sorted() == Array(0..<40))
        #expect(Array(numbers.suffix(40)) != Array(0..<40))
        #expect(
            all.allSatisfy { $0.headers.first?.value == Array("id-\(numbers[0])".utf8) || $0.key == Array("k".utf8) })

        #expect(await MessageToolCommand.run(arguments: ["poison", "--form", "wrong", "--count", "2"] + common) == 0)
        let poisoned = try await TopicReader.read([topic], at: bootstrap, time: SystemTime()).suffix(2)
        #expect(poisoned.allSatisfy { $0.headers.map(\.name) == ["ce_id"] && $0.headers[0].value?.count == 36 })
        #expect(Set(poisoned.compactMap { $0.headers[0].value }).count == 2)
        #expect(await MessageToolCommand.run(arguments: ["poison"] + common) == 0)
        let last = try await TopicReader.read([topic], at: bootstrap, time: SystemTime())
        #expect(last.count == 83)

        #expect(await MessageToolCommand.run(arguments: ["replay", "--renamed"] + common) == 0)
        let more = try await TopicReader.read([topic], at: bootstrap, time: SystemTime()).suffix(83)
        let ids = more.compactMap { $0.headers.first?.value }
        #expect(more.count == 83 && ids.allSatisfy { $0.count == 36 } && Set(ids).count == ids.count)

        #expect(await MessageToolCommand.run(arguments: ["poison", "--form", "followed"] + common) == 0)
        let followed = try await TopicReader.read([topic], at: bootstrap, time: SystemTime()).filter {
            $0.key?.count == 36
        }
        try #require(followed.count == 5)
        #expect(Set(followed.compactMap(\.key)).count == 1)
        #expect(followed[0].value?.first == 0xFF && followed[0].headers.isEmpty)
        #expect(followed.dropFirst().allSatisfy { $0.headers.first?.name == "ce_id" })
    }

    @Test("a share is drawn by the seed")
    func shares() {
        let random = SeededRandom(seed: 4)
        let first = MessagePlan.undecodable(topic: "t", count: 3, random: random)
        #expect(first.allSatisfy { $0.value?.first == 0xFF && $0.headers.isEmpty })
        #expect(Set(first.compactMap(\.value)).count == 3)
        let again = MessagePlan.undecodable(topic: "t", count: 3, random: SeededRandom(seed: 4))
        #expect(again.map(\.value) == first.map(\.value))
        #expect(MessagePlan.wrong(like: [], count: 3, random: random, now: Timestamp(milliseconds: 0)).isEmpty)
    }
}

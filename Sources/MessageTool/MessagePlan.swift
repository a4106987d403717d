import Clocks
import Kafka

/// What is published, drawn from what there is.
enum MessagePlan {
    /// At most so many are published again: a drill is to disturb the suite, not to be a load of its own.
    static let limit = 2000

    /// A share of the messages, about ``limit`` of them at most, in their order or shuffled, each under its own id or
    /// under a new one.
    static func replay(
        _ messages: [KafkaMessage], share: Double, isShuffled: Bool, isRenamed: Bool = false,
        random: some RandomSource, now: Timestamp
    ) -> [KafkaRecord] {
        let share = min(share, Double(limit) / Double(max(1, messages.count)))
        var chosen = messages.filter { _ in random.nextUnit() < share }
        if isShuffled, chosen.count > 1 {
            // Fisher and Yates.
            for index in stride(from: chosen.count - 1, to: 0, by: -1) {
                chosen.swapAt(index, Int(random.next() % UInt64(index + 1)))
            }
        }
        return chosen.map { message in
            let renaming = isRenamed ? ["ce_id": identifier(random, now)] : [:]
            return KafkaRecord(
                topic: message.position.topic, key: message.key, headers: headers(of: message, with: renaming),
                value: message.value)
        }
    }

    /// Random bytes without an envelope.
    static func undecodable(topic: String, count: Int, random: some RandomSource) -> [KafkaRecord] {
        (0..<count).map { _ in
            let words = (0..<4).map { _ in random.next() }
            let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
            return KafkaRecord(topic: topic, key: nil, value: [0xFF] + bytes)
        }
    }

    /// Envelopes of messages that were sent, each with an id of its own, around a content that fits no type.
    static func wrong(
        like messages: [KafkaMessage], count: Int, random: some RandomSource, now: Timestamp
    ) -> [KafkaRecord] {
        guard !messages.isEmpty else { return [] }
        return (0..<count).map { _ in
            let model = messages[Int(random.next() % UInt64(messages.count))]
            return KafkaRecord(
                topic: model.position.topic, key: model.key,
                headers: headers(of: model, with: ["ce_id": identifier(random, now)]),
                value: Array(#"{"orderId":7,"lines":"none"}"#.utf8))
        }
    }

    /// How many messages follow an unreadable one of the same key.
    static let followers = 4

    /// Bytes that are no message under the key of an order that nobody has placed, and behind them messages like those that
    /// were sent, about that order: they have to wait.
    static func followed(
        like messages: [KafkaMessage], count: Int, random: some RandomSource, now: Timestamp
    ) -> [KafkaRecord] {
        guard let topic = messages.first?.position.topic else { return [] }
        return (0..<count).flatMap { _ -> [KafkaRecord] in
            let order = identifier(random, now)
            var records = undecodable(topic: topic, count: 1, random: random)
            records[0].key = order
            for _ in 0..<followers {
                let model = messages[Int(random.next() % UInt64(messages.count))]
                let changed = ["ce_id": identifier(random, now), "ce_subject": order]
                records.append(
                    KafkaRecord(
                        topic: topic, key: order, headers: headers(of: model, with: changed), value: model.value))
            }
            return records
        }
    }

    private static func identifier(_ random: some RandomSource, _ now: Timestamp) -> [UInt8] {
        Array(UUID.version7(at: now, random: random).description.utf8)
    }

    private static func headers(
        of message: KafkaMessage, with changed: [String: [UInt8]]
    ) -> [(name: String, value: [UInt8]?)] {
        message.headers.map { ($0.name, changed[$0.name] ?? $0.value) }
    }
}

import Clocks
import Glibc
import Kafka

/// The program `message-tool`: arguments in, exit status out.
package enum MessageToolCommand {
    /// - Returns: 2 for wrong arguments, 1 when the broker did not take everything, 0 otherwise.
    package static func run(arguments: [String]) async -> Int32 {
        if arguments.isEmpty || ["--help", "-h"].contains(arguments[0]) {
            write(MessageToolOptions.helpText, to: STDOUT_FILENO)
            return 0
        }
        let options: MessageToolOptions
        do throws(MessageToolUsageError) { options = try MessageToolOptions(arguments: arguments) } catch {
            write("message-tool: \(error)\n", to: STDERR_FILENO)
            return 2
        }
        do {
            if options.action == .count {
                let count = try await KafkaTopics.ends(
                    of: options.topics,
                    configuration: KafkaConfiguration(bootstrap: options.bootstrap, clientID: "message-tool"))
                write("message-tool: counted \(count.values.reduce(0, +))\n", to: STDOUT_FILENO)
                return 0
            }
            let count = try await publish(try await records(options), options)
            write("message-tool: published \(count)\n", to: STDOUT_FILENO)
            return 0
        } catch {
            write("message-tool: \(error)\n", to: STDERR_FILENO)
            return 1
        }
    }

    private static func records(_ options: MessageToolOptions) async throws -> [KafkaRecord] {
        let random = SeededRandom(seed: options.seed)
        let time = SystemTime()
        switch options.action {
        case .count: return []
        case .poison(.undecodable, let count):
            return options.topics.flatMap { MessagePlan.undecodable(topic: $0, count: count, random: random) }
        case .poison(.wrong, let count):
            let messages = try await TopicReader.read(options.topics, at: options.bootstrap, time: time)
            return options.topics.flatMap { topic in
                MessagePlan.wrong(
                    like: messages.filter { $0.position.topic == topic }, count: count, random: random,
                    now: time.wallNow)
            }
        case .poison(.followed, let count):
            let messages = try await TopicReader.read(options.topics, at: options.bootstrap, time: time)
            return options.topics.flatMap { topic in
                MessagePlan.followed(
                    like: messages.filter { $0.position.topic == topic }, count: count, random: random,
                    now: time.wallNow)
            }
        case .replay(let share, let isShuffled, let isRenamed):
            let messages = try await TopicReader.read(options.topics, at: options.bootstrap, time: time)
            return MessagePlan.replay(
                messages, share: share, isShuffled: isShuffled, isRenamed: isRenamed, random: random,
                now: time.wallNow)
        }
    }

    private static let portion = 1000

    private static func publish(_ records: [KafkaRecord], _ options: MessageToolOptions) async throws -> Int {
        guard !records.isEmpty else { return 0 }
        let producer = try KafkaProducer(
            configuration: KafkaConfiguration(bootstrap: options.bootstrap, clientID: "message-tool"),
            time: SystemTime())
        var published = 0
        // In portions: a batch is answered for as a whole.
        for start in stride(from: 0, to: records.count, by: portion) {
            for result in await producer.send(Array(records[start..<min(start + portion, records.count)])) {
                _ = try result.get()
                published += 1
            }
        }
        await producer.close(patience: .seconds(2))
        return published
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            written += max(count, 0)
        }
    }
}

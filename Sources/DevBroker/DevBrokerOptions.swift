/// What the command line of `dev-broker` asks for.
package struct DevBrokerOptions: Hashable, Sendable {
    /// The port on 127.0.0.1; 0 takes any free one.
    package var port: UInt16 = 19092
    /// The topics to create at the start.
    package var topics = TopicSpecification.suite
    /// End when standard input reaches its end: how a parent makes sure that the broker does not outlive it.
    package var untilEndOfInput = false

    package init() {}
}

/// What a command line asks for.
package enum DevBrokerRequest: Hashable, Sendable {
    case run(DevBrokerOptions)
    /// Make the topics at another broker, of which one address is given.
    case createTopics(bootstrap: String, [TopicSpecification])
    case help
}

/// A command line that cannot be followed.
package struct DevBrokerUsageError: Error, Hashable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    package let description: String
}

extension DevBrokerRequest {
    /// Reads the arguments after the program's name.
    package init(arguments: [String]) throws(DevBrokerUsageError) {
        var options = DevBrokerOptions()
        var topics: [TopicSpecification] = []
        var bootstrap: String?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                self = .help
                return
            case "--until-eof":
                options.untilEndOfInput = true
            case "--create-topics":
                guard let text = rest.popFirst(), text.contains(":") else {
                    throw DevBrokerUsageError(description: "--create-topics needs HOST:PORT of a broker.")
                }
                bootstrap = text
            case "--port":
                guard let text = rest.popFirst(), let port = UInt16(text) else {
                    throw DevBrokerUsageError(description: "--port needs a number from 0 to 65535.")
                }
                options.port = port
            case "--topic":
                guard let text = rest.popFirst(), let topic = TopicSpecification(text) else {
                    throw DevBrokerUsageError(
                        description: "--topic needs name:partitions, a Kafka topic name and a number from 1 to 1000.")
                }
                guard !topics.contains(where: { $0.name == topic.name }) else {
                    throw DevBrokerUsageError(description: "--topic \(topic.name) is given twice.")
                }
                topics.append(topic)
            default:
                throw DevBrokerUsageError(description: "Unknown argument \"\(argument)\"; see dev-broker --help.")
            }
        }
        if !topics.isEmpty { options.topics = topics }
        self = bootstrap.map { .createTopics(bootstrap: $0, options.topics) } ?? .run(options)
    }

    /// What `--help` prints.
    package static let helpText = """
        Usage: dev-broker [--port PORT] [--topic NAME:PARTITIONS ...] [--until-eof]
               dev-broker --create-topics HOST:PORT [--topic NAME:PARTITIONS ...]

        An embedded Kafka broker on 127.0.0.1 for development and tests. It is not a Kafka to keep anything in: it
        holds everything in memory, forgets topics, messages and committed offsets when it ends, and keeps the newest
        16 MiB of each partition. It has no transactions and asks nobody who they are.

          --port PORT               port to listen on (default 19092; 0 takes a free one and prints it)
          --topic NAME:PARTITIONS   topic to create at the start; may be given several times.
                                    Default: the topics of the suite. Others are made on first use, with 4 partitions.
          --until-eof               end when standard input is closed, so that a parent cannot leave it behind
          --create-topics HOST:PORT make the topics that are missing at that broker, a real one, and end
          --help                    this text

        Prints "dev-broker: ready on 127.0.0.1:PORT" when it listens. SIGTERM and SIGINT end it.

        """
}

/// What the command line of `message-tool` asks for.
package struct MessageToolOptions: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case replay(share: Double, isShuffled: Bool, isRenamed: Bool = false)
        case poison(PoisonForm, count: Int)
        case count
    }

    package enum PoisonForm: String, CaseIterable, Sendable {
        case undecodable
        case wrong
        case followed
    }

    package var action: Action
    package var bootstrap: String
    package var topics: [String]
    package var seed: UInt64

    package static let helpText = """
        Usage: message-tool replay --bootstrap HOST:PORT --topic NAME ... [--share S] [--shuffled] [--renamed] [--seed N]
               message-tool poison --bootstrap HOST:PORT --topic NAME ... [--form FORM] [--count N] [--seed N]
               message-tool count --bootstrap HOST:PORT --topic NAME ...

        Publishes for drills, to a broker that may be broken on purpose. Never for production. Counting changes nothing.

          replay              publishes messages that are in the topics again, with their keys, headers and contents
            --share S         what share of them, 0 to 1 (default 1; about 2000 messages at most)
            --shuffled        in another order
            --renamed         each under a new id
          poison              publishes messages that cannot be handled
            --form FORM       undecodable (random bytes, the default), wrong (the envelope of a message that is in the
                              topic, with a new id and a content of the wrong form), or followed (random bytes under the
                              key of an order, and behind them four messages about it that could be handled)
            --count N         how many to each topic, 1 to 1000 (default 1)
          --seed N            what is drawn with (default 1)
          count               says how many messages the topics have taken so far, those that are gone among them

        Its last line says how many it has published or counted: "message-tool: published 17".

        """
}

/// A command line that cannot be followed.
package struct MessageToolUsageError: Error, Hashable, CustomStringConvertible {
    /// One sentence: what is wrong and what would be right.
    package let description: String
}

extension MessageToolOptions {
    /// Reads the arguments after the program's name.
    package init(arguments: [String]) throws(MessageToolUsageError) {
        var rest = arguments[...]
        let name = rest.popFirst() ?? ""
        guard ["replay", "poison", "count"].contains(name) else {
            throw MessageToolUsageError(
                description: "The first argument is replay, poison or count; see message-tool --help.")
        }
        var (share, isShuffled, isRenamed, form, count) = (1.0, false, false, PoisonForm.undecodable, 1)
        (bootstrap, topics, seed) = ("", [], 1)
        func value<Value>(_ option: String, _ what: String, _ read: (String) -> Value?) throws(MessageToolUsageError)
            -> Value
        {
            guard let text = rest.popFirst(), let value = read(text) else {
                throw MessageToolUsageError(description: "\(option) needs \(what).")
            }
            return value
        }
        while let option = rest.popFirst() {
            switch (name, option) {
            case (_, "--bootstrap"): bootstrap = try value(option, "HOST:PORT") { $0.contains(":") ? $0 : nil }
            case (_, "--topic"): topics.append(try value(option, "a topic's name") { $0.isEmpty ? nil : $0 })
            case (_, "--seed"): seed = try value(option, "a whole number") { UInt64($0) }
            case ("replay", "--share"):
                share = try value(option, "a number from 0 to 1") {
                    Double($0).flatMap { (0...1).contains($0) ? $0 : nil }
                }
            case ("replay", "--shuffled"): isShuffled = true
            case ("replay", "--renamed"): isRenamed = true
            case ("poison", "--form"):
                form = try value(option, "undecodable, wrong or followed", PoisonForm.init(rawValue:))
            case ("poison", "--count"):
                count = try value(option, "a number from 1 to 1000") {
                    Int($0).flatMap { (1...1000).contains($0) ? $0 : nil }
                }
            default:
                throw MessageToolUsageError(description: "Unknown argument \"\(option)\"; see message-tool --help.")
            }
        }
        guard !bootstrap.isEmpty, !topics.isEmpty else {
            throw MessageToolUsageError(description: "--bootstrap and at least one --topic are needed.")
        }
        action =
            switch name {
            case "replay": .replay(share: share, isShuffled: isShuffled, isRenamed: isRenamed)
            case "poison": .poison(form, count: count)
            default: .count
            }
    }
}

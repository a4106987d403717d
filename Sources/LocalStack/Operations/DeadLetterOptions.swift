/// What `holdfast dead-letter` was asked for.
package struct DeadLetterOptions: Sendable {
    /// What is to be done.
    package enum Wish: Sendable, Hashable {
        case list
        case show(String)
        case redrive(String)
        case redriveAll
        case discard(String, because: String)
    }

    /// Why the arguments make no sense, as a sentence.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        package var description: String
    }

    package static let helpText = """
          list                    those that wait for an operator, by service
          show ID                 everything about one
          redrive ID | --all      have it handled again, in its place among the messages of its order
          discard ID --because T  decide that it is to have no effect
          --service NAME          only this service; all four unless given
          --reason R, --topic T   only letters of this reason (unreadable, refused, failed) or topic; for list and --all
          --status S              with list: open, redriving, redriven or discarded
          --admin URL             the admin port of the service, where it is not the local stack's
          --token T               the operator's token; HOLDFAST_TOKEN in the environment otherwise
        """

    package var wish: Wish
    /// The admin ports that are asked, each with the service's name.
    package var services: [(name: String, url: String)]
    /// The query of a list, or of what is redriven at once.
    package var filter: [(name: String, value: String)]
    package var token: String?

    package init(arguments: [String], environment: [String: String]) throws(Fault) {
        var rest = arguments[...]
        var words: [String] = []
        var flags: [String: String] = [:]
        var isAll = false
        while let word = rest.popFirst() {
            switch word {
            case "--all": isAll = true
            case "--service", "--reason", "--topic", "--status", "--admin", "--token", "--because":
                guard let value = rest.popFirst() else { throw Fault(description: "\(word) needs a value") }
                flags[word] = value
            case _ where word.hasPrefix("-"): throw Fault(description: "there is no option \(word)")
            default: words.append(word)
            }
        }
        wish = try Self.wish(words, isAll: isAll, because: flags["--because"])
        filter = ["reason", "topic", "status"].compactMap { name in flags["--\(name)"].map { (name, $0) } }
        token = flags["--token"] ?? environment["HOLDFAST_TOKEN"]
        services = ServiceName.allCases.map { ($0.rawValue, "http://127.0.0.1:\($0.defaultPort + 1)") }
        if let name = flags["--service"] {
            services = services.filter { $0.name == name }
            guard !services.isEmpty else { throw Fault(description: "there is no service \(name)") }
        }
        if let url = flags["--admin"] { services = [(flags["--service"] ?? url, url)] }
    }

    private static func wish(_ words: [String], isAll: Bool, because: String?) throws(Fault) -> Wish {
        switch (words.first, words.count) {
        case ("list", 1): return .list
        case ("show", 2): return .show(words[1])
        case ("redrive", 2) where !isAll: return .redrive(words[1])
        case ("redrive", 1) where isAll: return .redriveAll
        case ("discard", 2):
            guard let because, !because.isEmpty else {
                throw Fault(description: "discard needs --because: what is to have no effect needs a reason")
            }
            return .discard(words[1], because: because)
        default: throw Fault(description: "say list, show ID, redrive ID, redrive --all or discard ID --because TEXT")
        }
    }
}

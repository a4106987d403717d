import LocalStack

/// What is measured, and how long.
package struct BenchOptions: Sendable, Equatable {
    /// The scenarios to run; empty means all.
    package var scenarios: [ScenarioKind] = []
    package var isQuick = false
    package var rounds = 1
    package var clients = 256
    package var broker = StackOptions.Broker.embedded
    /// Whether the carrier goes on to dispatch and deliver, which is work behind the outcome.
    package var delivers = false
    /// The folder with the programs; nil means beside this one.
    package var programFolder: String?
    package var limitFolder = "Benchmarks/limit"
    /// Where the stack's data is while it runs; nil means a folder of its own below `.holdfast`.
    package var dataFolder: String?
    package var keepsData = false
    package var jsonFile: String?
    /// The document whose marked table is written anew.
    package var document: String?
    package var showsStatements = false
    /// Whether costs are counted and compared, and nothing is timed.
    package var countsCosts = false
    /// Whether the kept figures are made anew instead.
    package var updatesCosts = false
    package var costsFile = "Benchmarks/costs.json"
    package var postgresSettings: [String] = []
    package var environment: [String: String] = [:]

    package init() {}

    package static let helpText = """
        Usage: holdfast bench [OPTIONS]

        Brings up a stack of its own on free ports, measures, and takes it down. Every scenario is checked: orders that
        did not come to their outcome, or books that do not agree, and there are no figures.

          --quick               shorter scenarios, one round
          --rounds N            so many rounds of all scenarios; the figures are medians (default 1)
          --only NAME,NAME      these scenarios only: \(ScenarioKind.allCases.map(\.rawValue).joined(separator: ", "))
          --clients N           clients of the closed loops (default 256)
          --broker KIND         embedded (the default), or kafka (KAFKA_HOME names its folder)
          --deliveries          the carrier dispatches and delivers, as it does by default; else an order ends confirmed
          --set NAME=VALUE      a setting for all services; may be given several times
          --postgres NAME=VALUE a setting of Postgres; may be given several times
          --statements          show the statements that took most of Postgres' time
          --costs               count what an order costs instead, and compare it with the figures that are kept; times do
                                not matter. The exit status is 1 when something has risen by more than it may
          --update              with --costs: keep what is found
          --costs-file FILE     where the figures are kept (default Benchmarks/costs.json)
          --json FILE           the figures of every round as JSON
          --write FILE          put the table into a document, between its bench marks
          --limit DIR           where the scripts of the limit are (default Benchmarks/limit)
          --programs DIR        where the services' executables are (default: beside this one)
          --data DIR            where the stack's data is while it runs (default: below .holdfast)
          --keep                leave data and logs

        """

    /// Reads the arguments behind the command's name.
    package init(arguments: [String]) throws(BenchError) {
        self.init()
        var rest = arguments[...]
        var rounds: Int?
        func value(_ option: String) throws(BenchError) -> String {
            guard let value = rest.popFirst(), !value.isEmpty else {
                throw BenchError("\(option) needs a value; see holdfast bench help.")
            }
            return value
        }
        while let option = rest.popFirst() {
            switch option {
            case "--quick": isQuick = true
            case "--deliveries": delivers = true
            case "--keep": keepsData = true
            case "--statements": showsStatements = true
            case "--rounds": rounds = try Self.number(value(option), option, 1...100)
            case "--clients": clients = try Self.number(value(option), option, 1...20_000)
            case "--only": scenarios = try Self.scenarios(value(option))
            case "--broker":
                let text = try value(option)
                guard let broker = StackOptions.Broker(rawValue: text) else {
                    throw BenchError("--broker is \"\(text)\" and should be embedded or kafka.")
                }
                self.broker = broker
            case "--set":
                let pair = try Self.pair(value(option), option)
                environment[pair.name] = pair.value
            case "--postgres":
                let pair = try Self.pair(value(option), option)
                postgresSettings.append("\(pair.name)=\(pair.value)")
            case "--costs": countsCosts = true
            case "--update": updatesCosts = true
            case "--costs-file": costsFile = try value(option)
            case "--json": jsonFile = try value(option)
            case "--write": document = try value(option)
            case "--limit": limitFolder = try value(option)
            case "--programs": programFolder = try value(option)
            case "--data": dataFolder = try value(option)
            default: throw BenchError("Unknown argument \"\(option)\"; see holdfast bench help.")
            }
        }
        self.rounds = rounds ?? 1
        if updatesCosts, !countsCosts { throw BenchError("--update goes with --costs; see holdfast bench help.") }
    }

    private static func number(_ text: String, _ option: String, _ range: ClosedRange<Int>) throws(BenchError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw BenchError("\(option) is \"\(text)\", but must be from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    private static func pair(_ text: String, _ option: String) throws(BenchError) -> (name: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else { throw BenchError("\(option) \(text) should be NAME=VALUE.") }
        return (parts[0], parts[1])
    }

    private static func scenarios(_ text: String) throws(BenchError) -> [ScenarioKind] {
        try text.split(separator: ",").map { name throws(BenchError) in
            guard let kind = ScenarioKind(rawValue: String(name)) else {
                let names = ScenarioKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw BenchError("--only has \"\(name)\"; the scenarios are \(names).")
            }
            return kind
        }
    }
}

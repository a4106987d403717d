import Testing

/// The pages about resilience say what the code says.
@Suite("Documents of resilience")
struct ResilienceDocumentTests {
    private static let pages = Repository.files(below: "docs/resilience", suffix: ".md")
    private static let index = Repository.files(below: "docs", suffix: ".md").first { $0.path == "docs/resilience.md" }
    private static let sources = Repository.files(below: "Sources/Resilience", suffix: ".swift")

    /// The page of each folder of the library; those that are no policy have none.
    private static let pageOfFolder = [
        "Bulkhead": "bulkhead", "CircuitBreaker": "circuit-breaker", "ConcurrencyLimit": "concurrency-limit",
        "Deadline": "timeout-and-deadline", "Fallback": "fallback-and-stale-cache", "FaultInjection": "fault-injection",
        "Hedging": "hedging", "LoadBalancing": "load-balancing", "Pipeline": "pipeline", "RateLimiter": "rate-limiter",
        "Retry": "retry", "RetryBudget": "retry-budget", "StaleCache": "fallback-and-stale-cache", "Support": "retry",
        "Timeout": "timeout-and-deadline",
    ]

    private static func folder(of file: Repository.File) -> String {
        String(file.path.split(separator: "/")[2])
    }

    private static func page(of file: Repository.File) -> Repository.File? {
        pageOfFolder[folder(of: file)].flatMap { name in pages.first { $0.path == "docs/resilience/\(name).md" } }
    }

    /// Whoever has knobs can say what is wrong with them.
    private static let configurations = sources.filter { $0.mentions("public var faults: [String] {") }

    @Test("every policy has a page, and the index leads to it")
    func policiesHavePages() throws {
        let index = try #require(Self.index)
        for file in Self.sources where Self.folder(of: file) != "Observability" {
            let page = try #require(Self.page(of: file), "\(file.path) belongs to no page of docs/resilience")
            let name = page.path.split(separator: "/")[2]
            let isLinked = index.mentions("(resilience/\(name))")
            #expect(isLinked, "docs/resilience.md does not lead to \(page.path)")
        }
    }

    @Test("every knob is in its page, with the default that the code has")
    func knobsAreTold() throws {
        #expect(Self.configurations.count >= 11)
        for file in Self.configurations {
            let page = try #require(Self.page(of: file), "\(file.path) belongs to no page")
            let told = Knobs.told(by: page)
            for (name, value) in Knobs.declared(in: file) {
                #expect(told[name] == value, "\(page.path) and \(file.path) differ about `\(name)`: \(value)")
            }
            for line in Knobs.casesWithDefaults(in: file) {
                let isTold = page.mentions(line)
                #expect(isTold, "\(page.path) does not have: \(line)")
            }
        }
    }

    @Test("no page tells of a knob that is not there")
    func knobsExist() {
        for page in Self.pages {
            var known: [String: [Knobs.Default]] = [:]
            for file in Self.sources where Self.page(of: file)?.path == page.path {
                let declared = Self.configurations.contains { $0.path == file.path } ? Knobs.declared(in: file) : [:]
                for knobs in [declared, Knobs.parameters(in: file)] {
                    for (name, value) in knobs { known[name, default: []].append(value) }
                }
            }
            for (name, value) in Knobs.told(by: page) {
                #expect(known[name]?.contains(value) == true, "\(page.path): `\(name)` is not in the code as \(value)")
            }
        }
    }

    @Test("every guarantee names a test that is there")
    func guaranteesAreTested() {
        let tests = Repository.files(below: "Tests/ResilienceTests", suffix: ".swift")
        for page in Self.pages {
            let rows = Knobs.rows(of: page, head: "| guarantee | test |")
            #expect(!rows.isEmpty, "\(page.path) guarantees nothing")
            for row in rows {
                let name = row.count == 2 ? row[1] : ""
                let isThere = tests.contains { $0.mentions("\"\(name)\"") }
                #expect(isThere, "\(page.path) names no test of ours: \(name)")
            }
        }
    }

    @Test("the example is the one that the tests run")
    func example() throws {
        let index = try #require(Self.index)
        let code = try #require(Repository.read("Tests/ResilienceTests/Example/Charging.swift"))
        let isTested = index.mentions("```swift\n\(code)```\n")
        #expect(isTested, "docs/resilience.md has not the example as it is tested")
    }

    /// Where the suite sets knobs to other values than their defaults.
    private static let settings = [
        "Sources/ServiceChassis/Calls/CallerConfiguration.swift", "Sources/ServiceChassis/Program/Database.swift",
        "Sources/ServiceChassis/Program/BrokerHealth.swift", "Sources/PaymentService/PaymentService+Build.swift",
        "Sources/ShippingService/ShippingService+Build.swift", "Sources/OrderService/Application/PriceBook.swift",
        "Sources/OrderService/OrderService+Build.swift", "Sources/ServiceChassis/Load/LoadSettings.swift",
    ]

    @Test("what the suite sets is in the index, and nothing else", arguments: settings)
    func suite(path: String) throws {
        let index = try #require(Self.index)
        let text = try #require(Repository.read(path))
        let section = try #require(index.text.firstRange(of: "](../\(path))\n"), "docs/resilience.md has no \(path)")
        let rest = index.text[section.upperBound...]
        let end = rest.firstRange(of: "\n#")?.lowerBound ?? rest.endIndex
        let rows = Knobs.rows(of: .init(path: path, text: String(rest[..<end])), head: "| knob | set to |")
        let told = Dictionary(rows.map { row in (Self.plain(row[0]), Self.plain(row[1])) }) { $1 }
        #expect(told == SuiteKnobs(text).values, "docs/resilience.md differs from \(path)")
    }

    private static func plain(_ cell: Substring) -> String { String(cell.filter { $0 != "`" }) }

    @Test("knobs and defaults are found in source as it is written")
    func finders() {
        let file = Repository.File(
            path: "a.swift",
            text: """
                /// A comment.
                public struct A {
                    public var count: Int? = 5  // why
                    public var rate: Double?
                    public var time = Backoff.exponential(base: .seconds(5), cap: .seconds(60))
                    public var burst: Int
                    public var safety: Safety
                    public var faults: [String] { [] }
                    let hidden = 1
                    case time(Duration, buckets: Int = 10)
                    case .count(let count): (a, b) = (1, count)
                    public init(
                        safety: Safety, per period: [Int], burst: Int = size(1, 2)
                    ) {}
                }
                """)
        #expect(
            Knobs.declared(in: file) == [
                "count": .value("5"), "rate": .value("nil"), "burst": .value("size(1, 2)"), "safety": .required,
                "time": .value("Backoff.exponential(base: .seconds(5), cap: .seconds(60))"),
            ])
        #expect(Knobs.parameters(in: file)["period"] == .required)
        #expect(Knobs.casesWithDefaults(in: file) == ["case time(Duration, buckets: Int = 10)"])
        let page = Repository.File(
            path: "a.md",
            text: "| knob | default | unit |\n|---|---|---|\n| `a` | `1`, or so | |\n| `b` | required | s |\n")
        #expect(Knobs.told(by: page) == ["a": .value("1"), "b": .required])
        let suite = SuiteKnobs(
            """
            static let limit = Duration.seconds(5)
            package var patience = Duration.seconds(2)
            package var retry = RetryPolicy()
                retry.cap = .seconds(1)
                configuration.window = Self.limit
                configuration.other = configuration.window
                maximum = 4
            """)
        #expect(
            suite.values == [
                "patience": "Duration.seconds(2)", "retry.cap": ".seconds(1)", "window": "Duration.seconds(5)",
                "other": "Duration.seconds(5)",
            ])
    }
}

/// What a file of the suite sets policies to: values by knob, names of constants resolved.
private struct SuiteKnobs {
    private static let whole = ["configuration.", "patience."]
    private static let parts = ["retry.", "breaker.", "bulkhead.", "balancing.", "hedging.", "quotes.", "reads."]
    private(set) var values: [String: String] = [:]
    private var constants: [String: String] = [:]

    init(_ text: String) {
        for (_, text) in Repository.File(path: "", text: text).code {
            let line = Knobs.trimmed(text)
            let parts = Knobs.split(String(line.filter { $0 != "?" }), at: " = ")
            guard parts.count == 2, let word = parts[0].split(separator: " ").last else { continue }
            let value = constants[String(parts[1])] ?? String(parts[1])
            if let constant = line.firstRange(of: "static let "), line[constant.upperBound...].hasPrefix(word) {
                constants["Self." + word] = value
                if word == "callTimeout" { values[String(word)] = value }
            } else if line.hasPrefix("package var "), !value.hasSuffix("()") {
                values[String(word)] = value
            } else if let root = Self.whole.first(where: { parts[0].hasPrefix($0) }) {
                values[String(parts[0].dropFirst(root.count))] = value
                constants[String(parts[0])] = value
            } else if Self.parts.contains(where: { parts[0].hasPrefix($0) }) {
                values[String(parts[0])] = value
            }
        }
    }
}

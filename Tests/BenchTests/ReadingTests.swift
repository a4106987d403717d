import Testing

@testable import Bench

@Suite("What other programs say")
struct ReadingTests {
    @Test("pgbench's report is read, and one without transactions is no figure")
    func limit() throws {
        let text = """
            pgbench (15.18)
            number of transactions actually processed: 686
            number of failed transactions: 0 (0.000%)
            latency average = 11.673 ms
            tps = 171.331196 (without initial connection time)
            """
        let found = try #require(Limit.read(text))
        #expect(found.batches == 686 && found.perSecond == 171.331196)
        #expect(Limit.read("number of transactions actually processed: 0\ntps = 0.0") == nil)
        #expect(Limit.read("") == nil)
    }

    @Test("the counters of Postgres are read, with or without statements")
    func counters() {
        #expect(StoreCounters(row: "900\t17\t42\n") == StoreCounters(log: 900, commits: 17, statements: 42))
        #expect(StoreCounters(row: "900\t17\t-1\n") == StoreCounters(log: 900, commits: 17, statements: nil))
        #expect(StoreCounters(row: "900\tseventeen\t4") == nil && StoreCounters(row: "") == nil)
    }

    @Test("a statement's line is read, tabs in its text and all")
    func statements() throws {
        let use = try #require(StatementUse(row: "orders\t3\t6\t1.5\tSELECT\t1"[...]))
        #expect(use.database == "orders" && use.calls == 3 && use.rows == 6 && use.text == "SELECT\t1")
        #expect(StatementUse(row: "orders\tx\t6\t1.5\tSELECT"[...]) == nil)
    }

    @Test("arguments are read, and what cannot be followed is refused and named")
    func options() throws {
        let options = try BenchOptions(arguments: [
            "--quick", "--rounds", "3", "--only", "limit,hot", "--set", "LOG_LEVEL=error", "--postgres",
            "synchronous_commit=off", "--write", "docs/performance.md",
        ])
        #expect(options.isQuick && options.rounds == 3 && options.scenarios == [.limit, .hot])
        #expect(options.environment == ["LOG_LEVEL": "error"])
        #expect(options.postgresSettings == ["synchronous_commit=off"] && options.document == "docs/performance.md")
        for (arguments, name) in [
            (["--rounds", "0"], "--rounds"), (["--only", "fast"], "fast"), (["--fast"], "--fast"),
            (["--set", "X"], "X"),
            (["--broker", "rabbit"], "rabbit"), (["--json"], "--json"), (["--update"], "--costs"),
        ] {
            let error = #expect(throws: BenchError.self) { try BenchOptions(arguments: arguments) }
            #expect(error?.description.contains(name) == true)
        }
    }
}

import Clocks
import Glibc
import HTTPClient
import LocalStack

/// `holdfast bench`: stacks up, rounds of scenarios, tables, stacks down.
package struct BenchCommand: Sendable {
    let options: BenchOptions
    let console: Console
    let time: any TimeSource

    package init(_ options: BenchOptions, console: Console, time: any TimeSource = SystemTime()) {
        self.options = options
        self.console = console
        self.time = time
    }

    /// - Returns: the exit code: 0 with figures, 1 when a promise was broken or there are none.
    package func run() async -> Int32 {
        var results = Results(broker: options.broker.rawValue, clients: options.clients)
        do {
            let chosen = options.scenarios.isEmpty ? ScenarioKind.allCases : options.scenarios
            let first = chosen.filter { $0 != .replicas }
            if !first.isEmpty { try await onStack(replicas: 1, first, &results) }
            if chosen.contains(.replicas) { try await onStack(replicas: 2, [.replicas], &results) }
        } catch {
            console.line("bench: no figures: \(error)")
            return 1
        }
        let tables = BenchTables(results: results)
        console.line()
        console.lines(tables.lines)
        if options.showsStatements { console.lines(tables.statements) }
        return write(results, tables)
    }

    private func onStack(replicas: Int, _ kinds: [ScenarioKind], _ results: inout Results) async throws {
        let base = options.dataFolder ?? ".holdfast/bench-\(getpid())"
        let folder = Files.workingDirectory + "/" + base + (replicas > 1 ? "-replicas" : "")
        console.line("bench: starting a stack" + (replicas > 1 ? " with \(replicas) replicas of each service" : ""))
        let stack = try await BenchStack.start(
            options, replicas: replicas, in: base.hasPrefix("/") ? base : folder, time: time)
        let client = HTTPClient(time: time)
        do {
            try await measure(stack, client, kinds, &results)
        } catch {
            await client.shutdown()
            await stack.stop()
            console.line("bench: its data and logs are in \(stack.folder)")
            throw error
        }
        await client.shutdown()
        await stack.stop()
        if !options.keepsData { stack.forget() }
    }

    private func measure(
        _ stack: BenchStack, _ client: HTTPClient, _ kinds: [ScenarioKind], _ results: inout Results
    ) async throws {
        let counts = try await stack.store.prepareCounting()
        let runner = ScenarioRunner(
            stack: stack, options: options,
            meter: Meter(stack: stack, countsStatements: counts, time: time),
            books: Books(stack: stack, client: client, time: time),
            limit: Limit(store: stack.store, folder: options.limitFolder), console: console, time: time)
        if kinds.contains(.limit) { try await runner.limit.prepare() }
        if results.residentAtStart.isEmpty {
            results.residentAtStart = try stack.processes(in: ProcessUse.all()).services
                .compactMapValues(ProcessUse.residentBytes)
        }
        try await runner.warmUp()
        for round in 1...options.rounds {
            for kind in kinds {
                let saturated = results.of(.saturation).last?.perSecond
                let measurement = try await runner.run(kind, round: round, saturated: saturated)
                results.measurements.append(measurement)
                console.line("bench: round \(round)  " + Self.line(measurement))
            }
        }
    }

    private static func line(_ found: Measurement) -> String {
        let short = Figures.short
        switch found.kind {
        case .limit:
            return
                "limit       \(short(found.perSecond)) orders/s, \(short(found.time.postgres)) ms of Postgres an order"
        case .idle: return "idle        services \(short(found.time.services * 100)) % of a processor"
        case .start:
            return "start       "
                + found.starts.sorted { $0.key < $1.key }.map { "\($0.key) \(short($0.value)) s" }.joined(
                    separator: ", ")
        default:
            let name = found.kind.rawValue
            return name + String(repeating: " ", count: max(1, 12 - name.count))
                + "\(short(found.perSecond)) final/s, answered p99 \(short(found.answered.p99)) ms, "
                + "final p50 \(short(found.final.p50)) p99 \(short(found.final.p99)) ms, "
                + "\(short(found.time.suite)) ms an order, \(short(found.commits)) commits"
        }
    }

    private func write(_ results: Results, _ tables: BenchTables) -> Int32 {
        do {
            let json = options.jsonFile ?? ".holdfast/bench.json"
            try Files.makeDirectory(".holdfast")
            try Files.replace(json, with: results.json)
            console.line("bench: figures of every round in \(json)")
            guard let document = options.document else { return 0 }
            guard let text = Files.text(document),
                let new = MarkedSection.replace("bench", in: text, with: tables.markdown)
            else {
                console.line("bench: \(document) lacks the lines <!-- bench:begin --> and <!-- bench:end -->")
                return 1
            }
            try Files.replace(document, with: Array(new.utf8))
            console.line("bench: the table in \(document) is new")
            return 0
        } catch {
            console.line("bench: \(error)")
            return 1
        }
    }
}

import Clocks
import Glibc
import HTTPClient
import Load
import LocalStack

/// `holdfast bench --costs`: counts what an order costs, and compares it with the figures that the repository keeps.
package struct CostsCommand: Sendable {
    let options: BenchOptions
    let console: Console
    let time: any TimeSource

    package init(_ options: BenchOptions, console: Console, time: any TimeSource = SystemTime()) {
        var options = options
        // No page images and no vacuum: what is logged is then what the statements log.
        options.postgresSettings = ["full_page_writes=off", "autovacuum=off"] + options.postgresSettings
        // However slow the machine is, every order of the count is taken.
        options.environment = ["ADMISSION_WAIT_SECONDS": "off"].merging(options.environment) { $1 }
        self.options = options
        self.console = console
        self.time = time
    }

    /// - Returns: the exit code: 0 when nothing has risen, 1 when something has, 2 when it could not be counted.
    package func run() async -> Int32 {
        do {
            let found = try await count()
            if options.updatesCosts {
                try Files.replace(options.costsFile, with: found.written)
                console.line("bench: \(options.costsFile) has the figures of this build now")
                return 0
            }
            guard let bytes = Files.read(options.costsFile), let kept = CostFigures(parsing: bytes) else {
                throw BenchError("\(options.costsFile) cannot be read: make it with holdfast bench --costs --update")
            }
            return judge(kept.judge(found))
        } catch {
            console.line("bench: the costs could not be counted: \(error)")
            return 2
        }
    }

    private func count() async throws -> CostFigures {
        let folder = options.dataFolder ?? ".holdfast/costs-\(getpid())"
        console.line("bench: starting a stack to count on")
        let stack = try await BenchStack.start(
            options, replicas: 1, in: folder.hasPrefix("/") ? folder : Files.workingDirectory + "/" + folder, time: time
        )
        let client = HTTPClient(time: time)
        do {
            guard try await stack.store.prepareCounting() else {
                throw BenchError("Postgres has no pg_stat_statements: install postgresql-contrib or the like")
            }
            let runner = ScenarioRunner(
                stack: stack, options: options, meter: Meter(stack: stack, countsStatements: true, time: time),
                books: Books(stack: stack, client: client, time: time),
                limit: Limit(store: stack.store, folder: options.limitFolder), console: console, time: time)
            try await runner.warmUp()
            var found = CostFigures()
            for shape in CostFigures.Shape.allCases {
                let measurement = try await runner.count(shape)
                found.take(measurement, of: shape)
                console.line(
                    "bench: \(shape.rawValue): \(measurement.orders) orders in \(Figures.short(measurement.seconds)) s")
                if options.showsStatements {
                    console.lines(BenchTables(results: Results(measurements: [measurement])).statements)
                }
            }
            await client.shutdown()
            await stack.stop()
            if !options.keepsData { stack.forget() }
            return found
        } catch {
            await client.shutdown()
            await stack.stop()
            console.line("bench: its data and logs are in \(stack.folder)")
            throw error
        }
    }

    private func judge(_ findings: [CostFigures.Finding]) -> Int32 {
        var table = TextTable(head: ["an order", "", "kept", "at most", "found", ""], indent: "  ")
        for finding in findings {
            let limit = finding.kept.map { $0 * finding.key.figure.tolerance(finding.key.shape) }
            table.append([
                finding.key.shape.rawValue, finding.key.figure.title, finding.kept.map(Figures.short) ?? "-",
                limit.map(Figures.short) ?? "-", finding.found.map(Figures.short) ?? "-",
                Self.word(finding.verdict),
            ])
        }
        console.lines(table.lines)
        if findings.contains(where: { $0.verdict == .worse }) {
            console.line(
                """
                bench: an order costs more than the figures in \(options.costsFile) allow. Find out why (--statements shows
                the statements). If it is meant, make the figures anew and commit them with the reason:
                    scripts/bench-costs --update
                """)
            return 1
        }
        if findings.contains(where: { $0.verdict == .missing }) {
            console.line("bench: not everything could be counted")
            return 2
        }
        if findings.contains(where: { $0.verdict == .better }) {
            console.line("bench: an order costs less than it did: keep that with scripts/bench-costs --update")
        }
        return 0
    }

    private static func word(_ verdict: CostFigures.Finding.Verdict) -> String {
        switch verdict {
        case .held: ""
        case .better: "less"
        case .worse: "TOO MUCH"
        case .missing: "not counted"
        }
    }
}

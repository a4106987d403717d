import Clocks
import Defects
import Glibc
import Invariants
import Simulation

/// `simulate [--seeds N] [--first N] [--seed N] [--defect NAME]`
///
/// Runs worlds, many at once; the first that breaks a promise is told in as few lines as will do, and the command fails.
/// With a defect and no seeds it shows how that defect breaks its promise; `--defect all` lists which world shows which.
enum SimulateCommand {
    private struct Options {
        var seeds: UInt64?
        var first: UInt64 = 1
        var seed: UInt64?
        var defect: Defect?
        var listsDefects = false
    }

    static func run(_ arguments: [String]) async {
        let options = parse(arguments)
        if options.listsDefects { return listDefects() }
        if let seed = options.seed {
            exit(show(seed, options.defect))
        } else if options.seeds == nil, let known = KnownDefect.all.first(where: { $0.defect == options.defect }) {
            exit(show(known))
        } else {
            exit(await search(options))
        }
    }

    private static func parse(_ arguments: [String]) -> Options {
        var options = Options()
        var rest = arguments.dropFirst()
        func fail(_ text: String) -> Never {
            print("simulate: \(text)\nusage: simulate [--seeds N] [--first N] [--seed N] [--defect NAME]")
            exit(64)
        }
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { fail("\(option) wants a value") }
            switch (option, UInt64(value)) {
            case ("--seeds", let number?): options.seeds = number
            case ("--first", let number?): options.first = number
            case ("--seed", let number?): options.seed = number
            case ("--defect", _) where value == "all": options.listsDefects = true
            case ("--defect", _):
                guard let defect = Defect(rawValue: value) else {
                    fail(
                        "no defect is called \(value); there are: \(Defect.allCases.map(\.rawValue).joined(separator: ", "))"
                    )
                }
                options.defect = defect
            default: fail("\(option) \(value) makes no sense")
            }
        }
        return options
    }

    /// Shows one world; answers the exit status.
    private static func show(_ seed: UInt64, _ defect: Defect?) -> Int32 {
        let outcome = Defect.$simulated.withValue(defect) { Simulator.run(seed: seed) }
        guard let explanation = Defect.$simulated.withValue(defect, operation: { Simulator.explain(seed: seed) })
        else {
            print(
                "seed \(seed): all promises are kept (\(outcome.events) events, digest \(String(outcome.digest, radix: 16)))"
            )
            return 0
        }
        print(explanation.text(command: command(seed, defect)))
        return 1
    }

    private static func command(_ seed: UInt64, _ defect: Defect?) -> String {
        "make simulate SEED=\(seed)" + (defect.map { " DEFECT=\($0.rawValue)" } ?? "")
    }

    /// Shows how a defect breaks the promise it is about.
    private static func show(_ known: KnownDefect) -> Int32 {
        guard let outcome = known.find(within: searchLimit) else {
            print("no world from \(known.seed) on shows that \(known)")
            return 0
        }
        return show(outcome.seed, known.defect)
    }

    private static let searchLimit: UInt64 = 20_000

    private static func listDefects() {
        print("| defect | promise | seed |\n|---|---|---|")
        for known in KnownDefect.all {
            let seed = known.find(within: searchLimit).map { "\($0.seed)" } ?? "none"
            print("| `\(known.defect.rawValue)` | `\(known.promise.rawValue)` | \(seed) |")
        }
    }

    private struct Sum: Sendable {
        var worlds: UInt64 = 0
        var events = 0
        var tally = Simulator.Tally()
        var failures: [Simulator.Outcome] = []
    }

    /// Runs all seeds, on every processor; answers the exit status.
    private static func search(_ options: Options) async -> Int32 {
        let workers = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let began = SystemTime().now
        let sum = await withTaskGroup(of: Sum.self) { group in
            for worker in 0..<workers {
                group.addTask { run(worker, of: workers, options) }
            }
            var sum = Sum()
            for await part in group {
                sum.worlds += part.worlds
                sum.events += part.events
                sum.tally += part.tally
                sum.failures += part.failures
            }
            return sum
        }
        let seconds = began.duration(to: SystemTime().now).inSeconds
        let tally = sum.tally
        print(
            "\(sum.worlds) worlds, \(sum.events) events, \(tally.orders) orders (\(tally.confirmed) confirmed, "
                + "\(tally.rejected) rejected, \(tally.cancelled) cancelled), \(tally.faults) faults, "
                + "\(tally.crashes) crashes in \(Int(seconds)) s: \(Int(Double(sum.worlds) / max(seconds, 1))) worlds a second"
        )
        let seen = Sighting.allCases.map { "\($0.rawValue) \(tally.sightings[$0] ?? 0)" }
        print("seen in how many of them: \(seen.joined(separator: ", "))")
        let failures = sum.failures.sorted { $0.seed < $1.seed }
        guard let first = failures.first else {
            print("all promises are kept")
            return 0
        }
        print("\(failures.count) seeds break a promise:")
        for failure in failures.prefix(10) { print("  seed \(failure.seed): \(failure.violation?.description ?? "")") }
        print("")
        return show(first.seed, options.defect)
    }

    private static func run(_ worker: Int, of workers: Int, _ options: Options) -> Sum {
        Defect.$simulated.withValue(options.defect) {
            var sum = Sum()
            for index in stride(from: UInt64(worker), to: options.seeds ?? 20_000, by: workers) {
                let outcome = Simulator.run(seed: options.first &+ index)
                sum.worlds += 1
                sum.events += outcome.events
                sum.tally += outcome.tally
                if outcome.violation != nil {
                    sum.failures.append(outcome)
                    // A defect is shown by one seed.
                    if options.defect != nil { break }
                }
            }
            return sum
        }
    }
}

import Clocks
import Glibc

/// Prints what the policies cost per call, beside the targets.
///
/// Arguments: words; only scenarios whose name contains one of them are run. `--markdown` prints the table for the
/// documents. `--check` makes the exit status 1 when a call allocates more than it may, which does not depend on how
/// busy the machine is; times never do. `--quick` takes fewer rounds.
@main
enum Main {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let words = arguments.filter { !$0.hasPrefix("--") }
        let selected = scenarios().filter { scenario in
            words.isEmpty || words.contains { scenario.name.contains($0) }
        }
        let rounds = arguments.contains("--quick") ? 7 : 25
        let results = measure(selected, rounds: rounds)
        let table = Table(results)
        print(arguments.contains("--markdown") ? table.markdown : table.text)
        if arguments.contains("--check"), !results.allSatisfy(\.isWithinAllocations) { exit(1) }
    }

    /// Round by round through all scenarios, so that a disturbance of the machine meets all alike.
    private static func measure(_ scenarios: [Scenario], rounds: Int) -> [Outcome] {
        var outcomes = scenarios.map { Outcome(scenario: $0, calls: calls(of: $0)) }
        // Where others use the processors too, rounds are added until enough were quiet, within reason.
        for number in 0..<rounds * 4 {
            for index in outcomes.indices {
                let (scenario, calls) = (outcomes[index].scenario, outcomes[index].calls)
                if number < rounds || outcomes[index].one.quiet < rounds / 2 {
                    outcomes[index].one.add(Crew.round(scenario, threads: 1, calls: calls))
                }
                if number < rounds || outcomes[index].two.quiet < rounds / 2 {
                    outcomes[index].two.add(Crew.round(scenario, threads: 2, calls: calls))
                }
            }
        }
        return outcomes
    }

    /// As many as take about 20 ms.
    private static func calls(of scenario: Scenario) -> Int {
        var calls = 1000
        while true {
            let round = Crew.round(scenario, threads: 1, calls: calls)
            if round.nanoseconds * Double(calls) >= 10e6 || calls > 1 << 24 { return calls }
            calls *= 2
        }
    }
}

/// What was seen of one scenario.
struct Outcome {
    let scenario: Scenario
    let calls: Int
    var one = Survey()
    var two = Survey()

    /// A few allocations of the runtime's own, spread over many calls, are no finding.
    var isWithinAllocations: Bool {
        max(one.allocations, two.allocations) <= scenario.allocations + 0.01
    }
}

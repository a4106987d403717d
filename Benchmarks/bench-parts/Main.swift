import Glibc

/// Prints time and allocations per operation of the hot parts beside their limits.
///
/// Arguments: words; only parts whose name contains one of them are run. `--check` makes the exit status 1 when a part
/// allocates more than it may, which does not depend on how busy the machine is.
@main
enum Main {
    static var parts: [Part] { requestParts() + jsonParts() + messagingParts() + sagaParts() }

    static func main() {
        let words = CommandLine.arguments.dropFirst().filter { !$0.hasPrefix("--") }
        let selected = parts.filter { part in words.isEmpty || words.contains { part.name.contains($0) } }
        print(row("part", "ns", "quartiles", "limit", "allocations", "limit"))
        // Round by round through all of them, so that a disturbance of the machine meets all alike.
        var rounds = selected.map { $0.begin(milliseconds: 20) }
        for _ in 0..<15 {
            for index in selected.indices { selected[index].run(into: &rounds[index]) }
        }
        var isWithinLimits = true
        for (part, rounds) in zip(selected, rounds) {
            let cost = rounds.cost
            print(
                row(
                    part.name, decimal(cost.nanoseconds),
                    decimal(cost.quartiles.0) + "–" + decimal(cost.quartiles.1), decimal(part.maximumNanoseconds),
                    decimal(cost.allocations), decimal(part.maximumAllocations)))
            // A few allocations of the runtime's own, spread over many operations, are no finding.
            isWithinLimits = isWithinLimits && cost.allocations <= part.maximumAllocations + 0.05
        }
        if CommandLine.arguments.contains("--check"), !isWithinLimits { exit(1) }
    }

    private static func row(_ name: String, _ columns: String...) -> String {
        let name = name + String(repeating: " ", count: max(0, 52 - name.count))
        return columns.reduce(name) { $0 + String(repeating: " ", count: max(1, 18 - $1.count)) + $1 }
    }

    /// One decimal place.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

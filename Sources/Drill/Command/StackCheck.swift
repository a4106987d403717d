import Clocks
import HTTPClient
import Invariants

/// Checks a stack at rest: the books of the four services against each other, and against the provider's where it is asked.
struct StackCheck: Sendable {
    let client: SuiteClient
    let terminal: Terminal
    let time: any TimeSource

    func run() async -> DrillResult.Verdict {
        let unready = await client.unready()
        for line in unready { terminal.phase("ready", line, .bad) }
        if unready.isEmpty { terminal.phase("ready", "every service is ready") }
        var audits: Audits?
        let isAtRest = await Deadlines.wait(upTo: .seconds(30), every: .milliseconds(200), time: time) {
            audits = await client.audits()
            return audits?.isAtRest ?? false
        }
        guard let audits else {
            terminal.phase("books", "the books cannot be read: a service does not answer", .bad)
            return .inconclusive
        }
        guard isAtRest else {
            for line in audits.outstanding { terminal.phase("rest", line, .warning) }
            terminal.phase("rest", "the stack is not at rest: ask again when no orders are placed", .bad)
            return .inconclusive
        }
        terminal.phase("rest", "nothing is under way")
        var violations = audits.violationsAtRest().map(\.description)
        violations += await providerDifferences()
        for line in violations { terminal.phase("promise", line, .bad) }
        guard violations.isEmpty else { return .violated }
        let orders = audits.orders.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        terminal.phase("books", "agree: " + (orders.isEmpty ? "no orders" : orders.joined(separator: ", ")))
        return unready.isEmpty ? .held : .inconclusive
    }

    private func providerDifferences() async -> [String] {
        guard await client.asksProvider(), let provider = client.api("provider-simulator"),
            let payments = client.api("payment-service")
        else { return [] }
        let ledger = await client.read(provider + "/control/ledger").root
        let audit = await client.read(payments + "/v1/audit").root
        guard let theirs = ledger?["totals"], let ours = audit?["totals"] else {
            return ["the provider's books cannot be read"]
        }
        return ours.members.flatMap { currency in
            ["captured", "refunded"].compactMap { sum in
                let left = currency.value.member(named: sum)?.int64
                let right = theirs.member(named: currency.name)?.member(named: sum)?.int64
                if left == right { return nil }
                return "\(currency.name): \(sum) \(left ?? 0) here, \(right ?? 0) at the provider"
            }
        }
    }
}

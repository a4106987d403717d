import JSON
import LocalStack

/// Sagas as lines of text.
struct SagaReport {
    private var table = TextTable(head: ["order", "status", "step", "attempts", "began", "due", "why"])
    private var count = 0

    /// Adds a page of the list.
    mutating func add(_ page: JSONValue) {
        guard let items = page["items"] else { return }
        for saga in items.elements {
            table.append(Self.row(saga))
            count += 1
        }
    }

    func write(_ console: Console) {
        if count > 0 { console.lines(table.lines) }
        console.line(count == 1 ? "1 saga" : "\(count) sagas")
    }

    /// One saga with its journal.
    static func write(_ saga: JSONValue, _ console: Console) {
        var table = TextTable(head: ["order", "status", "step", "attempts", "began", "due", "why"])
        table.append(row(saga))
        console.lines(table.lines)
        var journal = TextTable(
            head: ["step", "status", "attempts", "channel", "began", "ended", "detail"], indent: "  ")
        if let entries = saga["journal"] {
            for entry in entries.elements {
                journal.append(
                    ["step", "status"].map { text(entry.member(named: $0)) } + [text(entry["attempts"])]
                        + ["channel", "startedAt", "finishedAt", "detail"].map { text(entry.member(named: $0)) })
            }
        }
        console.lines(journal.lines)
    }

    private static func row(_ saga: JSONValue) -> [String] {
        ["id", "status", "step", "attempts", "startedAt", "dueAt", "failure"].map { text(saga.member(named: $0)) }
    }

    private static func text(_ value: JSONValue?) -> String {
        guard let value, !value.isNull else { return "-" }
        return value.string ?? value.numberText ?? "-"
    }
}

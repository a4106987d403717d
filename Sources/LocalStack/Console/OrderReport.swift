import Clocks
import JSON

/// An order and what was done for it, for people.
package struct OrderReport: Sendable {
    package let lines: [String]

    /// Reads the answer of `GET /v1/orders/{id}`; what it lacks is left blank.
    package init(_ order: JSONValue) {
        var headline = ["order \(order["id"]?.string ?? "?")", order["status"]?.string ?? "?"]
        if let reason = order["reason"]?.string { headline[1] += " (\(reason))" }
        for line in order["lines"].map({ Array($0.elements) }) ?? [] {
            headline.append("\(line["quantity"]?.int64 ?? 0) × \(line["name"]?.string ?? line["sku"]?.string ?? "?")")
        }
        if let total = order["total"] { headline.append(Self.money(total)) }
        var table = TextTable(head: ["step", "result", "attempts", "channel", "took", "detail"], indent: "    ")
        for step in order["timeline"].map({ Array($0.elements) }) ?? [] {
            table.append(Self.row(step))
        }
        lines = ["  " + headline.joined(separator: " · ")] + table.lines
    }

    private static func row(_ step: JSONValue) -> [String] {
        let name = step["step"]?.string ?? "?"
        var detail = step["detail"]?.string ?? ""
        if let undone = step["undoes"]?.string {
            detail = "undoes \(undone)" + (detail.isEmpty ? "" : ", \(detail)")
        }
        return [
            name, step["status"]?.string ?? "?", step["attempts"]?.int64.map { String($0) } ?? "",
            step["channel"]?.string ?? "", took(step), detail,
        ]
    }

    private static func took(_ step: JSONValue) -> String {
        guard let start = step["startedAt"]?.string.flatMap({ Timestamp(rfc3339: $0) }),
            let end = step["finishedAt"]?.string.flatMap({ Timestamp(rfc3339: $0) })
        else { return "" }
        return "\(start.duration(to: end).wholeMilliseconds) ms"
    }

    /// `{"amount":3998,"currency":"EUR"}` as `39.98 EUR`: the samples' currencies have two decimals.
    static func money(_ value: JSONValue) -> String {
        guard let amount = value["amount"]?.int64, let currency = value["currency"]?.string else { return "?" }
        let cents = amount.magnitude % 100
        return "\(amount < 0 ? "-" : "")\(amount.magnitude / 100).\(cents < 10 ? "0" : "")\(cents) \(currency)"
    }
}

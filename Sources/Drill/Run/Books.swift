import Clocks
import HTTPClient
import Invariants
import JSON

extension SuiteClient {
    /// The books of all four services; nil for as long as one of them does not answer.
    func audits(within limit: Duration = .seconds(3)) async -> Audits? {
        var audits = Audits()
        for service in TargetSelector.services {
            guard let bodies = await audit(of: service, within: limit) else { return nil }
            for body in bodies {
                guard (try? audits.add(body)) != nil else { return nil }
            }
        }
        return audits
    }

    /// The pages of one service's books.
    private func audit(of service: String, within limit: Duration) async -> [[UInt8]]? {
        guard let api = api(service) else { return nil }
        var bodies: [[UInt8]] = []
        var cursor: String?
        repeat {
            let answer = await send(
                .get, api + "/v1/audit" + (cursor.map { "?limit=100&cursor=\($0)" } ?? ""), within: limit)
            guard answer.isOK, bodies.count < 100 else { return nil }
            bodies.append(answer.body)
            cursor = answer.root?["nextCursor"]?.string
        } while cursor != nil
        return bodies
    }

    /// Which processes are not ready, with what they lack.
    func unready() async -> [String] {
        guard let stack = try? view.read() else { return ["there is no stack.json"] }
        return await withTaskGroup(of: String?.self) { group in
            for process in stack.processes {
                group.addTask {
                    let answer = await self.send(
                        .get, "http://127.0.0.1:\(process.admin)/health/ready", within: .seconds(2))
                    if answer.status == 200 { return nil }
                    return "\(process.name)/\(process.replica) is not ready: "
                        + (answer.failure.map { "\($0.code)" }
                            ?? String(decoding: answer.body.prefix(300), as: UTF8.self))
                }
            }
            var found: [String] = []
            for await answer in group { if let answer { found.append(answer) } }
            return found.sorted()
        }
    }

    /// Whether payment-service asks a provider over HTTP.
    func asksProvider() async -> Bool {
        guard let admin = admin("payment-service") else { return false }
        let answer = await read(admin + "/admin/config")
        return answer.root?["settings"]?.elements.contains {
            $0["key"]?.string == "PAYMENT_PROVIDER" && $0["value"]?.string == "http"
        } ?? false
    }
}

extension Audits {
    /// What is still under way, one sentence each.
    var outstanding: [String] {
        var found: [String] = []
        if let pending = orders["pending"], pending != 0 { found.append("\(pending) orders are pending") }
        for status in ["running", "compensating", "parked", "quarantined", "overdue"] {
            if let count = sagas[status], count != 0 { found.append("\(count) sagas are \(status)") }
        }
        for (service, count) in outboxPending.sorted(by: { $0.key < $1.key }) where count != 0 {
            found.append("\(count) messages are in the outbox of \(service)")
        }
        if let reserved = reservations["reserved"], reserved != 0 { found.append("\(reserved) reservations are open") }
        for status in ["pending", "in-doubt"] {
            if let count = payments[status], count != 0 { found.append("\(count) payments are \(status)") }
        }
        return found
    }
}

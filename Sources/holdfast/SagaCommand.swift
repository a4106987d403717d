import HTTPCodec
import JSON
import LocalStack

/// `holdfast saga`: what operators see of sagas and do to them, over the admin port of order-service.
enum SagaCommand {
    static let help = """
        holdfast saga list [--status STATUS] [--step STEP] [--older-than SECONDS]
        holdfast saga show ORDER
        holdfast saga retry ORDER          send the command under way again now
        holdfast saga compensate ORDER     undo it, while it is before the point of no return
        holdfast saga redrive ORDER        take up a compensation that was given up
        holdfast saga redrive --all COMPENSATION

        Options: --url URL of the admin port (HOLDFAST_ORDER_ADMIN, http://127.0.0.1:8081);
        with AUTH=jwt an operator's token is in HOLDFAST_TOKEN.
        """

    private struct Misuse: Error {
        var text: String
    }

    /// Runs the command; answers the process's exit code: 0, 1 when the service refuses or is not there, 2 for misuse.
    static func run(_ arguments: [String], environment: [String: String], console: Console) async -> Int32 {
        do {
            var arguments = arguments
            let url = try option("--url", &arguments) ?? environment["HOLDFAST_ORDER_ADMIN"] ?? "http://127.0.0.1:8081"
            let admin = OrderAdmin(url: url, token: environment["HOLDFAST_TOKEN"])
            let verb = arguments.isEmpty ? "list" : arguments.removeFirst()
            switch verb {
            case "list": try await list(arguments, admin, console)
            case "show": SagaReport.write(try await admin.send(.get, "/admin/sagas/\(try order(arguments))"), console)
            case "redrive" where arguments.first == "--all": try await redriveAll(arguments, admin, console)
            case "retry", "compensate", "redrive":
                let path = "/admin/sagas/\(try order(arguments))/\(verb)"
                SagaReport.write(try await admin.send(.post, path), console)
            case "--help", "help": console.line(help)
            default: throw Misuse(text: "there is no command saga \(verb)")
            }
            return 0
        } catch let misuse as Misuse {
            console.line("holdfast: \(misuse.text)\n\(help)")
            return 2
        } catch {
            console.line("holdfast: \(error)")
            return 1
        }
    }

    private static func list(_ arguments: [String], _ admin: OrderAdmin, _ console: Console) async throws {
        var arguments = arguments
        var query = "?limit=100"
        for (name, parameter) in [("--status", "status"), ("--step", "step"), ("--older-than", "olderThan")] {
            if let value = try option(name, &arguments) { query += "&\(parameter)=\(try word(value))" }
        }
        guard arguments.isEmpty else { throw Misuse(text: "saga list does not know \(arguments[0])") }
        var page = try await admin.send(.get, "/admin/sagas" + query)
        var report = SagaReport()
        report.add(page)
        while let cursor = page["nextCursor"]?.string {
            page = try await admin.send(.get, "/admin/sagas\(query)&cursor=\(cursor)")
            report.add(page)
        }
        report.write(console)
    }

    private static func redriveAll(_ arguments: [String], _ admin: OrderAdmin, _ console: Console) async throws {
        guard arguments.count == 2 else { throw Misuse(text: "--all needs the name of a compensation") }
        let answer = try await admin.send(.post, "/admin/sagas/redrive?compensation=\(try word(arguments[1]))")
        console.line("\(answer["redriven"]?.int64 ?? 0) taken up again")
    }

    private static func order(_ arguments: [String]) throws -> String {
        guard arguments.count == 1 else { throw Misuse(text: "name one order") }
        return try word(arguments[0])
    }

    private static func option(_ name: String, _ arguments: inout [String]) throws -> String? {
        guard let place = arguments.firstIndex(of: name) else { return nil }
        guard place + 1 < arguments.count else { throw Misuse(text: "\(name) needs a value") }
        let value = arguments[place + 1]
        arguments.removeSubrange(place...place + 1)
        return value
    }

    /// What may stand in a path or query as it is: ids, names and numbers.
    private static func word(_ text: String) throws -> String {
        let isWord = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        guard isWord, !text.isEmpty else { throw Misuse(text: "\(text) is no id, name or number") }
        return text
    }
}

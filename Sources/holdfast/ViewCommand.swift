import LocalStack

/// `holdfast view rebuild`: has order-service write the view that lists are served from anew.
enum ViewCommand {
    static let help = """
        holdfast view rebuild [--url URL]

        URL is the admin port of order-service (HOLDFAST_ORDER_ADMIN, http://127.0.0.1:8081);
        with AUTH=jwt an operator's token is in HOLDFAST_TOKEN.
        """

    /// Runs the command; answers the process's exit code: 0, 1 when the service refuses or is not there, 2 for misuse.
    static func run(_ arguments: [String], environment: [String: String], console: Console) async -> Int32 {
        var url = environment["HOLDFAST_ORDER_ADMIN"] ?? "http://127.0.0.1:8081"
        switch arguments.count {
        case 1 where arguments[0] == "rebuild": break
        case 3 where arguments[0] == "rebuild" && arguments[1] == "--url": url = arguments[2]
        default:
            console.line(help)
            return arguments.first == "help" || arguments.first == "--help" ? 0 : 2
        }
        let admin = OrderAdmin(url: url, token: environment["HOLDFAST_TOKEN"])
        do {
            var (count, query): (Int64, String) = (0, "")
            while true {
                let answer = try await admin.send(.post, "/admin/order-view/rebuild" + query)
                count += answer["rebuilt"]?.int64 ?? 0
                guard let next = answer["nextAfter"]?.string else { break }
                query = "?after=\(next)"
            }
            console.line("\(count) orders written anew")
            return 0
        } catch {
            console.line("holdfast: \(error)")
            return 1
        }
    }
}

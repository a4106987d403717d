import LocalStack

/// `message-tool`, a program of the suite that publishes for drills: whoever drills knows nothing of Kafka itself.
enum MessageTool {
    private static var path: String? {
        let own = Files.canonical("/proc/self/exe") ?? ""
        let folder = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        return Programs.find("\(folder)/message-tool") ?? Programs.find("message-tool")
    }

    static var missing: String? {
        path == nil ? "there is no message-tool beside this program: build it with make build" : nil
    }

    /// Runs it on topics of the stack's broker, past the proxy.
    ///
    /// - Returns: how many messages it has published.
    static func run(_ arguments: [String], _ topics: [String], in context: DrillContext) async throws(DrillError) -> Int
    {
        guard let path else { throw DrillError(missing ?? "") }
        let output = try await context.run(
            path,
            arguments + ["--bootstrap", "127.0.0.1:\(try context.stack().brokerPort)"]
                + topics.flatMap { ["--topic", $0] },
            within: .seconds(60))
        // Its last line: `message-tool: published 17`.
        let count = output.split(separator: "\n").last?.split(separator: " ").last.flatMap { Int($0) }
        guard let count else { throw DrillError("message-tool said \(output.suffix(300))") }
        return count
    }
}

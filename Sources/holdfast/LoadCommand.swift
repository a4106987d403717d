import Clocks
import Glibc
import Load
import LocalStack

/// `holdfast load`: orders on a running stack, each followed to its outcome.
enum LoadCommand {
    static func run(_ arguments: [String], console: Console) -> Never {
        var plan: LoadPlan
        do throws(LoadPlanError) {
            plan = try LoadPlan(arguments: arguments)
        } catch {
            console.line("holdfast: \(error)")
            exit(2)
        }
        if plan.token == nil {
            switch token(Programs.environment) {
            case .success(let token): plan.token = token
            case .failure(let error):
                console.line("holdfast: \(error)")
                exit(2)
            }
        }
        let time = SystemTime()
        let chosen = plan
        let run = LoadRun(chosen, time: time, name: "load-\(time.wallNow.milliseconds)") { console.line($0) }
        let running = Task.detached {
            do {
                let report = try await run.run()
                console.lines(report.lines)
                try write(report, chosen)
                _exit(report.isComplete ? 0 : 1)
            } catch {
                console.line("holdfast: \(error)")
                _exit(2)
            }
        }
        Interruptions.deliver { count in
            if count == 1 { return running.cancel() }
            _exit(130)
        }
    }

    /// As for the other commands, where an argument would be seen by whoever lists processes; in a cluster as a file.
    private static func token(_ environment: [String: String]) -> Result<String?, LoadPlanError> {
        if let token = environment["HOLDFAST_TOKEN"], !token.isEmpty { return .success(token) }
        guard let file = environment["HOLDFAST_TOKEN_FILE"], !file.isEmpty else { return .success(nil) }
        let token = (Files.text(file) ?? "").filter { !$0.isWhitespace }
        guard !token.isEmpty else {
            return .failure(
                LoadPlanError(description: "HOLDFAST_TOKEN_FILE names \(file), which holds no token or cannot be read.")
            )
        }
        return .success(token)
    }

    private static func write(_ report: LoadReport, _ plan: LoadPlan) throws {
        if let file = plan.jsonFile { try Files.replace(file, with: report.json) }
        if let file = plan.plotFile { try Files.replace(file, with: Array(LoadPlot(report).html.utf8)) }
    }
}

import Glibc
import LocalStack

@main
enum Main {
    /// Synchronous on purpose: signals must be held back before the runtime starts its threads.
    static func main() {
        Interruptions.block()
        let console = Console.standardOutput
        let arguments = Array(CommandLine.arguments.dropFirst())
        let rest = Array(arguments.dropFirst())
        switch arguments.first ?? "help" {
        case "up": UpCommand.run(rest, console: console)
        case "load": LoadCommand.run(rest, console: console)
        case "bench": BenchEntry.run(rest, console: console)
        case "drill": DrillEntry.run(rest, console: console)
        case "saga":
            let environment = Programs.environment
            untilDone { await SagaCommand.run(rest, environment: environment, console: console) }
        case "view":
            let environment = Programs.environment
            untilDone { await ViewCommand.run(rest, environment: environment, console: console) }
        case "dead-letter": DeadLetterCommand.run(rest, console: console)
        case "reset": exit(ResetCommand.run(rest, console: console))
        case "help", "--help", "-h": console.line(HelpCommand.text)
        case let other:
            console.line("holdfast: there is no command \"\(other)\"; see holdfast help.")
            exit(2)
        }
    }

    /// Runs a command that ends by itself; a signal ends it at once.
    private static func untilDone(_ command: @escaping @Sendable () async -> Int32) -> Never {
        Task.detached { _exit(await command()) }
        Interruptions.deliver { _ in _exit(130) }
    }
}

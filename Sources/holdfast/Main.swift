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
        case "reset": exit(ResetCommand.run(rest, console: console))
        case "help", "--help", "-h": console.line(HelpCommand.text)
        case let other:
            console.line("holdfast: there is no command \"\(other)\"; see holdfast help.")
            exit(2)
        }
    }
}

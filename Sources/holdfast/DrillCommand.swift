import Drill
import Glibc
import LocalStack

/// `holdfast drill`: breaks a stack on purpose and checks that every promise holds.
enum DrillEntry {
    static func run(_ arguments: [String], console: Console) -> Never {
        if ["help", "--help", "-h"].contains(arguments.first) {
            console.line(DrillOptions.helpText)
            exit(0)
        }
        let options: DrillOptions
        do throws(DrillError) {
            options = try DrillOptions(arguments: arguments, environment: Programs.environment)
        } catch {
            console.line("holdfast drill: \(error)")
            exit(2)
        }
        let command = DrillCommand(options, terminal: Terminal(environment: Programs.environment))
        let running = Task.detached { _exit(await command.run()) }
        Interruptions.deliver { count in
            // The guard's own way out: its runner's death, which sends it this signal, is what it waits for.
            if options.command == .guard { return }
            if count == 1 {
                console.line("holdfast drill: healing what was done; once more to leave that to holdfast drill heal")
                return running.cancel()
            }
            _exit(130)
        }
    }
}

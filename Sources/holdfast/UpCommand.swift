import Glibc
import LocalStack

/// `holdfast up`: the whole suite on this machine until Ctrl-C.
enum UpCommand {
    static func run(_ arguments: [String], console: Console) -> Never {
        let options: StackOptions
        do throws(StackOptionsError) {
            options = try StackOptions(arguments: arguments, environment: Programs.environment)
        } catch {
            console.line("holdfast: \(error)")
            exit(2)
        }
        let supervisor = StackSupervisor(options: options, console: console)
        // Without the libraries' exit handlers: other threads still run, and may meet what those have taken down.
        let running = Task.detached { _exit(await supervisor.run()) }
        Interruptions.deliver { count in
            if count == 1 { return running.cancel() }
            console.line("holdfast: killing all at once")
            supervisor.kill()
            _exit(130)
        }
    }
}

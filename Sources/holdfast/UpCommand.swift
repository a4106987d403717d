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
        let running = Task.detached { exit(await supervisor.run()) }
        Interruptions.deliver { count in
            if count == 1 { return running.cancel() }
            console.line("holdfast: killing all at once")
            supervisor.kill()
            _exit(130)
        }
    }
}

import Clocks
import Glibc
import HTTPClient
import LocalStack

/// `holdfast dead-letter`: what operators do with messages that were given up.
enum DeadLetterCommand {
    static func run(_ arguments: [String], console: Console) -> Never {
        let options: DeadLetterOptions
        do throws(DeadLetterOptions.Fault) {
            options = try DeadLetterOptions(arguments: arguments, environment: Programs.environment)
        } catch {
            console.line("holdfast: \(error)")
            exit(2)
        }
        Task.detached {
            let time = SystemTime()
            let client = HTTPClient(time: time)
            let code = await DeadLetterCalls(options, client: client, time: time, console: console).run()
            await client.shutdown()
            _exit(code)
        }
        Interruptions.deliver { _ in _exit(130) }
    }
}

import Bench
import Glibc
import LocalStack

/// `holdfast bench`: what an order costs, on a stack of its own.
enum BenchEntry {
    static func run(_ arguments: [String], console: Console) -> Never {
        if ["help", "--help", "-h"].contains(arguments.first) {
            console.line(BenchOptions.helpText)
            exit(0)
        }
        let options: BenchOptions
        do throws(BenchError) {
            options = try BenchOptions(arguments: arguments)
        } catch {
            console.line("holdfast bench: \(error)")
            exit(2)
        }
        let running = Task.detached {
            if options.countsCosts { _exit(await CostsCommand(options, console: console).run()) }
            _exit(await BenchCommand(options, console: console).run())
        }
        Interruptions.deliver { count in
            if count == 1 {
                console.line("holdfast bench: taking the stack down")
                return running.cancel()
            }
            _exit(130)
        }
    }
}

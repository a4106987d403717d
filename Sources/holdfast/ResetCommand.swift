import LocalStack

/// `holdfast reset`: forgets the data of the stack that is not running.
enum ResetCommand {
    static func run(_ arguments: [String], console: Console) -> Int32 {
        do throws(StackOptionsError) {
            let options = try StackOptions(arguments: arguments, environment: Programs.environment)
            guard Files.isDirectory(options.dataFolder) else {
                console.line("holdfast: nothing to forget: there is no \(options.dataFolder)")
                return 0
            }
            return forget(options, console: console)
        } catch {
            console.line("holdfast: \(error)")
            return 2
        }
    }

    private static func forget(_ options: StackOptions, console: Console) -> Int32 {
        do {
            let folder = try StackFolder(options.dataFolder)
            try folder.reset()
            console.line("holdfast: forgot all data and logs in \(folder.path)")
            return 0
        } catch {
            console.line("holdfast: cannot reset: \(error)")
            return 1
        }
    }
}

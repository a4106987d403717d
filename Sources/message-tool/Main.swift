import Glibc
import MessageTool

@main
enum Main {
    static func main() async {
        exit(await MessageToolCommand.run(arguments: Array(CommandLine.arguments.dropFirst())))
    }
}

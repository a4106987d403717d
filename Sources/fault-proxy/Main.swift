import FaultProxy
import Glibc

@main
enum Main {
    static func main() {
        exit(FaultProxyCommand.run(arguments: Array(CommandLine.arguments.dropFirst())))
    }
}

import DevBroker
import Glibc

@main
enum Main {
    static func main() {
        exit(DevBrokerCommand.run(arguments: Array(CommandLine.arguments.dropFirst())))
    }
}

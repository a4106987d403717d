import Simulation

@main
struct Main {
    static func main() async {
        await SimulateCommand.run(CommandLine.arguments)
    }
}

import ProviderSimulator
import ServiceChassis

@main
enum Main {
    static func main() {
        providerSimulator.main()
    }
}

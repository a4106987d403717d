import ServiceChassis
import ShippingService

@main
enum Main {
    static func main() {
        shippingService.main()
    }
}

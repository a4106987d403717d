import OrderService
import ServiceChassis

@main
enum Main {
    static func main() {
        orderService.main()
    }
}

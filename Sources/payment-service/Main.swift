import PaymentService
import ServiceChassis

@main
enum Main {
    static func main() {
        paymentService.main()
    }
}

import InventoryService
import ServiceChassis

@main
enum Main {
    static func main() {
        inventoryService.main()
    }
}

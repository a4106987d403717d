import Contracts
import JSON

extension ShipmentView: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("id", shipment.id)
            $0.member("orderId", shipment.orderID)
            $0.member("status", shipment.status.rawValue)
            $0.member("carrierReference", shipment.carrierReference)
            $0.member("shipTo", shipment.shipTo)
            $0.member("lines", shipment.lines)
            $0.member("createdAt", createdAt)
            $0.member("updatedAt", updatedAt)
        }
    }
}

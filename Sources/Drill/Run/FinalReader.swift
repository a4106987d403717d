import Clocks
import Invariants
import JSON

/// Reads, once all is at rest, everything the checks want to know about a run's orders.
struct FinalReader: Sendable {
    let client: SuiteClient
    /// The beginning of the run's customers.
    let prefix: String
    let since: Timestamp

    /// Clocks may have been moved by a fault: what began this long before still counts.
    private static let slack = Duration.seconds(900)

    func read(into observation: inout Observation) async {
        guard let orders = client.api("order-service"), let payments = client.api("payment-service"),
            let shipments = client.api("shipping-service"), let inventory = client.api("inventory-service")
        else { return }
        var listed: [String: Observation.Listed] = [:]
        let isWhole = await client.walk(orders + "/v1/orders") { item in
            guard isRecent(item) else { return false }
            if let id = item["id"]?.string {
                listed[id] = .init(
                    customerID: item["customerId"]?.string ?? "", status: item["status"]?.string ?? "")
            }
            return true
        }
        observation.listed = listed
        let told = observation.operations.compactMap(\.orderID)
        let ids = Set(told + listed.filter { $0.value.customerID.hasPrefix(prefix) }.map(\.key)).sorted()
        if !isWhole { observation.unread.formUnion(ids) }
        for answer in await gather(ids, { await client.read("\(orders)/v1/orders/\($0)") }) {
            if answer.answer.status == 404 {
                observation.missing.insert(answer.id)
            } else if answer.answer.isOK, let order = try? ObservedOrder(answer.answer.body) {
                observation.orders.append(order)
            } else {
                observation.unread.insert(answer.id)
            }
        }
        let known = Set(ids)
        _ = await client.walk(payments + "/v1/payments") { item in
            guard isRecent(item) else { return false }
            let payment = ObservedPayment(item)
            // Orders of others, placed beside the drill, are left to others.
            if known.contains(payment.orderID) || listed[payment.orderID] == nil {
                observation.payments.append(payment)
            }
            return true
        }
        _ = await client.walk(shipments + "/v1/shipments") { item in
            guard isRecent(item) else { return false }
            let shipment = ObservedShipment(item)
            if known.contains(shipment.orderID) || listed[shipment.orderID] == nil {
                observation.shipments.append(shipment)
            }
            return true
        }
        for answer in await gather(ids, { await client.read("\(inventory)/v1/reservations/\($0)") }) {
            if let root = answer.answer.root, answer.answer.isOK { observation.reservations.append(.init(root)) }
        }
        await readProvider(into: &observation) { reference in listed[reference] != nil && !known.contains(reference) }
    }

    private func readProvider(into observation: inout Observation, isOthers: (String) -> Bool) async {
        let known = Set(observation.payments.map(\.id))
        guard await client.asksProvider(), let provider = client.api("provider-simulator") else { return }
        var charges: [ProviderCharge] = []
        let isWhole = await client.walk(provider + "/v1/charges") { item in
            let charge = ProviderCharge(item)
            if isOthers(item["reference"]?.string ?? "") { return true }
            if known.contains(charge.key) || isRecent(item) { charges.append(charge) }
            return true
        }
        if isWhole { observation.providerCharges = charges }
    }

    private func isRecent(_ item: JSONValue) -> Bool {
        guard let text = item["createdAt"]?.string, let created = Timestamp(rfc3339: text) else { return true }
        return created.advanced(by: Self.slack) >= since
    }

    /// Asks about each id, sixteen at a time.
    private func gather(
        _ ids: [String], _ ask: @escaping @Sendable (String) async -> Answer
    ) async -> [(id: String, answer: Answer)] {
        await withTaskGroup(of: (id: String, answer: Answer).self) { group in
            var answers: [(id: String, answer: Answer)] = []
            var rest = ids[...]
            for _ in 0..<16 {
                if let id = rest.popFirst() { group.addTask { (id, await ask(id)) } }
            }
            for await answer in group {
                answers.append(answer)
                if let id = rest.popFirst() { group.addTask { (id, await ask(id)) } }
            }
            return answers.sorted { $0.id < $1.id }
        }
    }
}

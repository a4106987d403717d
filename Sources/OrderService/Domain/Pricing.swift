import Contracts

/// Turns a request into priced lines, or says what is wrong with it.
enum Pricing {
    /// One line or member that needs attention.
    struct Fault: Hashable, Sendable {
        /// RFC 6901 pointer in a URI fragment.
        var pointer: String
        var detail: String
    }

    enum Result: Hashable, Sendable {
        case priced(lines: [Order.Line], total: Int64)
        case refused([Fault])
    }

    /// Prices each line with the catalogue's item of that SKU.
    static func price(_ request: OrderRequest, with items: [String: CatalogueItem]) -> Result {
        var faults: [Fault] = []
        var lines: [Order.Line] = []
        var total: Int64 = 0
        var otherCurrency: CatalogueItem?
        for (index, line) in request.lines.enumerated() {
            guard let item = items[line.sku] else {
                faults.append(Fault(pointer: "#/lines/\(index)/sku", detail: "\(line.sku) is not in the catalogue"))
                continue
            }
            if item.unitPrice.currency != request.currency { otherCurrency = otherCurrency ?? item }
            guard let lineTotal = item.unitPrice.multiplied(by: line.quantity)?.amount,
                case let (sum, overflow) = total.addingReportingOverflow(lineTotal), !overflow
            else {
                faults.append(Fault(pointer: "#/lines/\(index)/quantity", detail: "makes the total too large"))
                continue
            }
            total = sum
            lines.append(
                Order.Line(
                    sku: line.sku, name: item.name, quantity: line.quantity, unitPrice: item.unitPrice.amount,
                    total: lineTotal))
        }
        if let item = otherCurrency {
            faults.append(Fault(pointer: "#/currency", detail: "\(item.sku) is sold in \(item.unitPrice.currency)"))
        }
        return faults.isEmpty ? .priced(lines: lines, total: total) : .refused(faults)
    }
}

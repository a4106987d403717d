import JSON

extension Money: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("amount", amount)
            $0.member("currency", currency)
        }
    }

    package init(_ money: inout JSONObjectDecoder, in range: ClosedRange<Int64>) {
        self.init(
            amount: money.integer("amount", in: range),
            currency: money.string("currency", length: 3...3, matching: JSONCharacters("A-Z")))
    }
}

extension OrderLine: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("sku", sku)
            $0.member("quantity", quantity)
        }
    }

    package init(_ line: inout JSONObjectDecoder) {
        self.init(sku: line.string("sku", length: 1...64), quantity: line.integer("quantity", in: 1...1_000_000))
    }

    /// The lines as a JSON array, as they are stored.
    package static func encode(_ lines: [OrderLine]) -> [UInt8] {
        var json = JSONWriter(capacity: 48 * lines.count + 2)
        json.value(lines)
        return json.bytes
    }

    /// Reads what ``encode(_:)`` wrote.
    package static func list(decoding bytes: [UInt8]) throws(ContractError) -> [OrderLine] {
        do {
            let root = try JSONDocument(parsing: bytes).root
            var lines: [OrderLine] = []
            for element in root.elements {
                lines.append(try element.decode(unknownMembers: .ignored) { OrderLine(&$0) })
            }
            return lines
        } catch {
            throw ContractError(type: "list of order lines", detail: error.description)
        }
    }
}

extension Address: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("name", name)
            $0.member("street", street)
            $0.member("city", city)
            $0.member("postalCode", postalCode)
            $0.member("country", country)
        }
    }

    package init(_ address: inout JSONObjectDecoder) {
        self.init(
            name: address.string("name", length: 1...200, matching: .withoutControls),
            street: address.string("street", length: 1...200, matching: .withoutControls),
            city: address.string("city", length: 1...200, matching: .withoutControls),
            postalCode: address.string("postalCode", length: 1...16, matching: .withoutControls),
            country: address.string("country", length: 2...2, matching: JSONCharacters("A-Z")))
    }

    /// The address as JSON, as it is stored.
    package var encoded: [UInt8] {
        var json = JSONWriter(capacity: 160)
        json.value(self)
        return json.bytes
    }

    /// Reads what ``encoded`` wrote.
    package init(decoding bytes: [UInt8]) throws(ContractError) {
        self = try decodePayload(bytes, as: "address") { Address(&$0) }
    }
}

/// Decodes a payload whose unknown members are ignored, naming what it should have been when it is not.
func decodePayload<Value>(
    _ bytes: [UInt8], as type: String, _ body: (inout JSONObjectDecoder) -> Value
) throws(ContractError) -> Value {
    do {
        return try JSONDocument(parsing: bytes).decode(unknownMembers: .ignored, body)
    } catch {
        throw ContractError(type: type, detail: error.description)
    }
}

import Clocks
import JSON

extension Command {
    fileprivate func encodedObject(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter(capacity: 512)
        json.object {
            $0.member("orderId", orderID)
            members(&$0)
        }
        return json.bytes
    }
}

extension ReserveStock {
    package var encoded: [UInt8] { encodedObject { $0.member("lines", lines) } }

    package init(decoding bytes: [UInt8]) throws(ContractError) {
        self = try decodePayload(bytes, as: Self.name) { ReserveStock(&$0) }
    }

    init(_ command: inout JSONObjectDecoder) {
        self.init(
            orderID: command.text("orderId"), lines: command.objects("lines", count: 1...1000) { OrderLine(&$0) })
    }
}

extension ReleaseStock {
    package var encoded: [UInt8] { encodedObject { _ in } }
}

extension CommitStock {
    package var encoded: [UInt8] { encodedObject { _ in } }
}

extension ChargePayment {
    package var encoded: [UInt8] {
        encodedObject {
            $0.member("amount", amount)
            $0.member("token", token)
        }
    }

    package init(decoding bytes: [UInt8]) throws(ContractError) {
        self = try decodePayload(bytes, as: Self.name) { ChargePayment(&$0) }
    }

    init(_ command: inout JSONObjectDecoder) {
        self.init(
            orderID: command.text("orderId"), amount: command.object("amount") { Money(&$0, in: 1...Int64.max) },
            token: command.string("token", length: 1...128))
    }
}

extension RefundPayment {
    package var encoded: [UInt8] { encodedObject { _ in } }
}

extension BookShipment {
    package var encoded: [UInt8] {
        encodedObject {
            $0.member("shipTo", shipTo)
            $0.member("lines", lines)
        }
    }

    package init(decoding bytes: [UInt8]) throws(ContractError) {
        self = try decodePayload(bytes, as: Self.name) { BookShipment(&$0) }
    }

    init(_ command: inout JSONObjectDecoder) {
        self.init(
            orderID: command.text("orderId"), shipTo: command.object("shipTo") { Address(&$0) },
            lines: command.objects("lines", count: 1...1000) { OrderLine(&$0) })
    }
}

extension CancelShipment {
    package var encoded: [UInt8] { encodedObject { _ in } }
}

extension CommandReply {
    package var encoded: [UInt8] {
        var json = JSONWriter(capacity: 160)
        json.object {
            $0.member("orderId", orderID)
            $0.member("command", command)
            $0.member("outcome", outcome.rawValue)
            $0.member("reason", reason?.rawValue)
        }
        return json.bytes
    }

    package init(decoding bytes: [UInt8]) throws(ContractError) {
        self = try decodePayload(bytes, as: "reply") { reply in
            CommandReply(
                orderID: reply.text("orderId"), command: reply.string("command", length: 1...64),
                outcome: reply.oneOf("outcome"), reason: reply.optional("reason")?.oneOf())
        }
    }
}

extension OrderFact {
    package var encoded: [UInt8] {
        var json = JSONWriter(capacity: 192)
        json.object {
            $0.member("orderId", orderID)
            $0.member("reason", reason?.rawValue)
            $0.member("amount", amount)
            $0.member("at", at)
        }
        return json.bytes
    }
}

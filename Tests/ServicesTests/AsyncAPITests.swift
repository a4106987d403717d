import Clocks
import Contracts
import JSON
import LocalStack
import Messaging
import Testing

/// The description of the messages against the code that makes them.
@Suite("docs/asyncapi.json")
struct AsyncAPITests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let order = UUID(high: 1, low: 2)
    private static let lines = [OrderLine(sku: "A", quantity: 1)]
    private static let address = Address(name: "N", street: "S", city: "C", postalCode: "1", country: "DE")
    private static let money = Money(amount: 1, currency: "EUR")
    private static let readTopics: [Topic] = [
        .inventoryCommands, .paymentCommands, .shippingCommands, .sagaReplies, .orderEvents, .shippingEvents,
    ]

    private let document: JSONDocument

    init() throws {
        document = try JSONDocument(parsing: Array(try #require(Files.text(Self.root + "/docs/asyncapi.json")).utf8))
    }

    private func members(_ path: String...) throws -> [(name: String, value: JSONValue)] {
        var value = document.root
        for name in path { value = try #require(value.member(named: name), "\(path)") }
        return value.members.map { ($0.name, $0.value) }
    }

    /// The last part of a reference.
    private func target(_ value: JSONValue?) -> String {
        String(value?["$ref"]?.string?.split(separator: "/").last ?? "")
    }

    @Test("has every topic, and where what was given up of it goes")
    func channels() throws {
        let addresses = try members("channels").compactMap { $0.value["address"]?.string }
        let wanted = Topic.allCases.map(\.rawValue) + Self.readTopics.map(\.deadLetter)
        #expect(addresses.sorted() == wanted.sorted())
    }

    @Test("has every type of message once, in the topic of its service")
    func types() throws {
        let source = try #require(Files.text(Self.root + "/Sources/Contracts/MessageType.swift"))
        let known = source.split(separator: "\"").filter { $0.hasPrefix("holdfast.") }.map(String.init)
        #expect(known.count > 15)
        let described = try members("components", "messages").compactMap { $0.value["name"]?.string }
        #expect(described.sorted() == (known + ["holdfast.dead-letter.v1"]).sorted())
        for (_, channel) in try members("channels") {
            let address = try #require(channel["address"]?.string)
            for message in try #require(channel["messages"]).members where !address.hasSuffix(".dead-letter") {
                let name = try #require(
                    document.root["components"]?["messages"]?.member(named: message.name)?["name"]?.string)
                #expect(name.hasPrefix("holdfast." + address.prefix { $0 != "." }), "\(name) is not of \(address)")
            }
        }
    }

    @Test("each payload has the members that the code writes, no more and no less")
    func payloads() throws {
        let fact = OrderFact(orderID: Self.order, at: Timestamp(milliseconds: 0)).encoded
        let written: [String: [UInt8]] = [
            MessageType.reserveStock: ReserveStock(orderID: Self.order, lines: Self.lines).encoded,
            MessageType.releaseStock: ReleaseStock(orderID: Self.order).encoded,
            MessageType.commitStock: CommitStock(orderID: Self.order).encoded,
            MessageType.chargePayment: ChargePayment(orderID: Self.order, amount: Self.money, token: "t").encoded,
            MessageType.refundPayment: RefundPayment(orderID: Self.order).encoded,
            MessageType.bookShipment: BookShipment(orderID: Self.order, shipTo: Self.address, lines: Self.lines)
                .encoded,
            MessageType.cancelShipment: CancelShipment(orderID: Self.order).encoded,
            MessageType.commandReply: CommandReply(
                orderID: Self.order, command: ReserveStock.name, outcome: .succeeded
            ).encoded,
        ]
        for (_, message) in try members("components", "messages") {
            let name = try #require(message["name"]?.string)
            if name == "holdfast.dead-letter.v1" { continue }
            let schema = try #require(
                document.root["components"]?["schemas"]?.member(named: target(message["payload"])), "\(name)")
            let encoded = try JSONDocument(parsing: written[name] ?? fact)
            #expect(
                try #require(schema["properties"]).members.map(\.name).sorted()
                    == encoded.root.members.map(\.name).sorted(), "\(name)")
        }
    }

    @Test("says which outcomes and reasons there are, and which headers a message has")
    func values() throws {
        func values(_ value: JSONValue?) -> [String] { value?["enum"]?.elements.compactMap(\.string).sorted() ?? [] }
        let schemas = try #require(document.root["components"]?["schemas"])
        #expect(values(schemas["Reason"]) == Reason.allCases.map(\.rawValue).sorted())
        #expect(
            values(schemas["CommandReply"]?["properties"]?["outcome"])
                == CommandReply.Outcome.allCases.map(\.rawValue).sorted())
        var envelope = MessageEnvelope(
            id: Self.order, source: "/holdfast/order-service", type: MessageType.reserveStock, orderID: Self.order,
            time: Timestamp(milliseconds: 0), traceparent: "t", tracestate: "s", deadline: Timestamp(milliseconds: 1),
            payload: [])
        envelope.process = "p"
        let described = try #require(schemas["Headers"]?["properties"]).members.map(\.name).sorted()
        #expect(envelope.kafkaHeaders.map(\.name).sorted() == described)
    }
}

import Clocks
import Contracts
import JSON
import Testing

@Suite("Payloads")
struct PayloadTests {
    private let orderID = UUID("0198f2a0-0000-7000-8000-000000000002")!
    private let lines = [OrderLine(sku: "A-1", quantity: 2), OrderLine(sku: "B.2", quantity: 1000)]
    private let address = Address(name: "Ä \"x\"", street: "B 1", city: "C", postalCode: "1000", country: "DE")

    @Test("commands read back what they write")
    func commands() throws {
        let reserve = ReserveStock(orderID: orderID, lines: lines)
        #expect(try ReserveStock(decoding: reserve.encoded) == reserve)
        let charge = ChargePayment(orderID: orderID, amount: Money(amount: 3998, currency: "EUR"), token: "tok_ok")
        #expect(try ChargePayment(decoding: charge.encoded) == charge)
        let book = BookShipment(orderID: orderID, shipTo: address, lines: lines)
        #expect(try BookShipment(decoding: book.encoded) == book)
    }

    @Test("a reply keeps its outcome and reason", arguments: CommandReply.Outcome.allCases, [nil, Reason.outOfStock])
    func replies(outcome: CommandReply.Outcome, reason: Reason?) throws {
        let reply = CommandReply(orderID: orderID, command: ReserveStock.name, outcome: outcome, reason: reason)
        #expect(try CommandReply(decoding: reply.encoded) == reply)
    }

    @Test("members that are not known are ignored, so that a later version may add some")
    func unknownMembers() throws {
        let text =
            #"{"orderId":"\#(orderID)","command":"reserve-stock","outcome":"succeeded","reason":null,"more":[1]}"#
        #expect(try CommandReply(decoding: Array(text.utf8)).outcome == .succeeded)
    }

    @Test(
        "a payload that is not what its type says is refused with the place",
        arguments: [
            (#"{"orderId":"x","lines":[{"sku":"A","quantity":1}]}"#, "#/orderId"),
            (#"{"orderId":"0198f2a0-0000-7000-8000-000000000002","lines":[]}"#, "#/lines"),
            (#"{"orderId":"0198f2a0-0000-7000-8000-000000000002","lines":[{"sku":"A","quantity":0}]}"#, "quantity"),
            (#"{"lines":"#, "column"),
        ])
    func refused(text: String, place: String) {
        let error = #expect(throws: ContractError.self) { try ReserveStock(decoding: Array(text.utf8)) }
        #expect(error?.description.contains(place) == true, "\(String(describing: error))")
    }

    @Test("stored lines and addresses read back")
    func stored() throws {
        #expect(try OrderLine.list(decoding: OrderLine.encode(lines)) == lines)
        #expect(try Address(decoding: address.encoded) == address)
    }

    @Test("an amount that no integer holds is nil, not a trap")
    func overflow() {
        #expect(Money(amount: .max, currency: "EUR").multiplied(by: 2) == nil)
        #expect(Money(amount: 1999, currency: "EUR").multiplied(by: 2)?.amount == 3998)
    }
}

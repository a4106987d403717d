import Clocks
import HTTPCodec
import ServiceChassis
import Testing

@Suite("Cursors")
struct ListCursorTests {
    static let list = ListCursor(list: "/v1/orders", filter: ["c-1", nil])
    static let moment = CursorPosition.moment(
        Timestamp(microseconds: 1_700_000_000_123_456), UUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0001))

    @Test(
        "a position comes back as it was",
        arguments: [
            moment, .moment(Timestamp(microseconds: -1), UUID(high: 0, low: 0)),
            .moment(Timestamp(microseconds: .max), UUID(high: .max, low: .max)), .text("SKU-1"), .text("ä"),
        ])
    func roundTrip(position: CursorPosition) throws {
        let text = Self.list.issue(position)
        #expect(try Self.list.read(text) == position)
        let isURLSafe = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-_".unicodeScalars.contains(scalar))
        }
        #expect(isURLSafe)
    }

    @Test("a cursor is good for its own list and filter alone")
    func bound() {
        let text = Self.list.issue(Self.moment)
        let others = [
            ListCursor(list: "/v1/payments", filter: ["c-1", nil]),
            ListCursor(list: "/v1/orders", filter: ["c-2", nil]),
            ListCursor(list: "/v1/orders", filter: [nil, "c-1"]), ListCursor(list: "/v1/orders", filter: ["c-1", ""]),
            ListCursor(list: "/v1/orders", filter: ["c-1"]), ListCursor(list: "/v1/orders"),
        ]
        for other in others {
            let problem = #expect(throws: ProblemDetails.self) { try other.read(text) }
            #expect(problem?.type == .invalidParameter)
            #expect(problem?.errors.map(\.place) == [.parameter("cursor")])
        }
    }

    @Test("filters that only look alike when joined are different")
    func boundaries() {
        let text = ListCursor(list: "l", filter: ["ab", "c"]).issue(.text("x"))
        #expect(throws: ProblemDetails.self) { try ListCursor(list: "l", filter: ["a", "bc"]).read(text) }
    }

    @Test("no cursor with one character changed, added or left out is accepted")
    func mutations() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ %"
        for position in [Self.moment, .text("SKU-1")] {
            let text = Array(Self.list.issue(position))
            for index in text.indices {
                for replacement in alphabet where replacement != text[index] {
                    var changed = text
                    changed[index] = replacement
                    #expect(throws: ProblemDetails.self) { try Self.list.read(String(changed)) }
                }
                var shorter = text
                shorter.remove(at: index)
                // Leaving out one of two equal neighbours is the same as leaving out the other, still not the cursor.
                #expect(throws: ProblemDetails.self) { try Self.list.read(String(shorter)) }
                var longer = text
                longer.insert("A", at: index)
                #expect(throws: ProblemDetails.self) { try Self.list.read(String(longer)) }
            }
        }
    }

    @Test("garbage is refused", arguments: ["", "A", "AAAA", "null", "0", "é", String(repeating: "A", count: 4096)])
    func garbage(text: String) {
        #expect(throws: ProblemDetails.self) { try Self.list.read(text) }
    }
}

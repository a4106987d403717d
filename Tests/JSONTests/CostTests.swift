import Testing

@testable import JSON

/// Guards against input that is small to send and dear to read. Work is counted, not timed.
@Suite("Cost")
struct CostTests {
    private func reader(of text: [UInt8]) -> (comparisons: Int, nodes: Int, position: Int) {
        var reader = JSONReader(maximumDepth: 32, expecting: text.count)
        try? reader.read(text.span)
        return (reader.nameComparisons, reader.nodes.count, reader.position)
    }

    @Test(
        "comparing names takes n log n, whatever they have in common and however they are written",
        arguments: ["n", "a\\u006e", "the-same-beginning-for-all-of-them-"])
    func names(prefix: String) {
        let count = 20_000
        var text = Array("{".utf8)
        for number in 0..<count {
            text += Array("\(number == 0 ? "" : ",")\"\(prefix)\(number)\":0".utf8)
        }
        text += Array("}".utf8)
        let cost = reader(of: text)
        #expect(cost.nodes == 2 * count + 1)
        // log2 of 20 000 is 14.3.
        #expect(cost.comparisons < 16 * count)
    }

    @Test("small objects are compared without sorting, and only as often as there are pairs")
    func smallObjects() {
        let object = #"{"a":1,"b":2,"c":3,"d":4}"#
        let text = "[" + Array(repeating: object, count: 1000).joined(separator: ",") + "]"
        #expect(reader(of: Array(text.utf8)).comparisons == 6000)
    }

    @Test("nesting is refused where it passes the limit, not where the text ends")
    func depth() {
        let cost = reader(of: Array(repeating: UInt8(ascii: "["), count: 1 << 20))
        #expect(cost.position == 32)
        #expect(cost.nodes == 32)
    }

    @Test("a text with many values needs one node for each")
    func manyValues() {
        let text = "[" + Array(repeating: "0", count: 100_000).joined(separator: ",") + "]"
        #expect(reader(of: Array(text.utf8)).nodes == 100_001)
    }

    @Test("a node stays small, for a text can have one for every two bytes")
    func nodeSize() {
        #expect(MemoryLayout<JSONNode>.stride == 20)
    }

    @Test("ten thousand unknown members are found without looking at each other")
    func unknownMembers() throws {
        let members = (0..<10_000).map { "\"m\($0)\":0" }.joined(separator: ",")
        #expect(try problems(in: "{\(members)}") { $0.optional("absent") == nil }.count == 20)
    }
}

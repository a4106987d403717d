import Testing

@testable import FaultProxy

@Suite("A broker's advertised port")
struct PortRewriterTests {
    /// `127.0.0.1`, then 19092 as four bytes.
    private static let told = Array("127.0.0.1".utf8) + [0, 0, 0x4A, 0x94]
    private static let own = Array("127.0.0.1".utf8) + [0, 0, 0x4E, 0x21]

    private func rewriter() -> PortRewriter { PortRewriter(host: "127.0.0.1", port: 19_092, to: 20_001) }

    @Test("is replaced by the link's own, and nothing else is touched")
    func replaces() {
        var rewriter = rewriter()
        let around = Array("abc1127.0.0.12".utf8)
        #expect(rewriter.rewrite(around + Self.told + [7] + Self.told) == around + Self.own + [7] + Self.own)
        let other = Array("127.0.0.1".utf8) + [0, 0, 0x4A, 0x95, 0x4A, 0x94]
        #expect(rewriter.rewrite(other) == other)
    }

    @Test("is found across chunks, wherever they are divided", arguments: 0...15)
    func divided(at position: Int) {
        var rewriter = rewriter()
        let bytes = [9] + Self.told + [8]
        let result =
            rewriter.rewrite(Array(bytes[..<position])) + rewriter.rewrite(Array(bytes[position...])) + rewriter.end()
        #expect(result == [9] + Self.own + [8])
    }

    @Test("is found when bytes come one by one, behind a beginning that was none")
    func bytewise() {
        var rewriter = rewriter()
        let bytes = Array("127.0.0.127.0.0.1".utf8) + [0, 0, 0x4A, 0x94]
        let result = bytes.flatMap { rewriter.rewrite([$0]) } + rewriter.end()
        #expect(result == Array("127.0.0.127.0.0.1".utf8) + [0, 0, 0x4E, 0x21])
    }

    @Test("holds a single byte back at most, and gives it up at the end")
    func holds() {
        var rewriter = rewriter()
        let beginning = Array(Self.told.dropLast())
        #expect(rewriter.rewrite(beginning) == Array(beginning.dropLast()))
        #expect(rewriter.end() == [0x4A])
        #expect(rewriter.end() == [])
    }
}

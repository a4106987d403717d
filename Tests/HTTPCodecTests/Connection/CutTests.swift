import Clocks
import HTTPCodec
import Testing

/// However the network cuts a stream, it means the same: the same requests, the same answers, the same end.
@Suite("Cut streams")
struct CutTests {
    private struct Meaning: Hashable {
        var requests: [String]
        var answers: [UInt8]
        var ended: Bool
        var closed: Conversation.Closing?
    }

    private func meaning(of bytes: [UInt8], pieces: [Int]) -> Meaning {
        var conversation = Conversation()
        var start = 0
        for end in pieces + [bytes.count] where end > start {
            conversation.send(Array(bytes[start..<end]))
            start = end
        }
        conversation.endInput()
        let requests = conversation.requests.map { request in
            let fields = request.fields.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
            return "\(request.method) \(request.target) \(fields) \(String(decoding: request.body, as: UTF8.self))"
        }
        return Meaning(
            requests: requests, answers: conversation.received, ended: conversation.outputEnded,
            closed: conversation.closed)
    }

    static let good: [String] = [
        "GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n",
        "\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "PUT http://a:1/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        "BREW * HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ]

    @Test("a good stream cut at any two places means the same")
    func everyCut() {
        let bytes = Array(Self.good.filter { !$0.hasPrefix("BREW") }.joined().utf8)
        let whole = meaning(of: bytes, pieces: [])
        #expect(whole.requests.count == 7)
        for first in 0..<bytes.count {
            #expect(meaning(of: bytes, pieces: [first]) == whole, "cut at \(first)")
        }
        #expect(meaning(of: bytes, pieces: Array(1..<bytes.count)) == whole, "byte by byte")
    }

    @Test("a broken stream cut at any place means the same", arguments: RefusalCase.all)
    func everyCutOfBroken(_ refusal: RefusalCase) {
        let bytes = Array(Self.good[0].utf8) + refusal.bytes + Array(Self.good[0].utf8)
        let whole = meaning(of: bytes, pieces: [])
        #expect(whole.requests.count == 1)
        // Long cases are cut around their ends, where something is decided, and here and there between.
        let stride = bytes.count > 2000 ? 509 : 1
        for cut in Swift.stride(from: 1, to: bytes.count, by: stride) {
            #expect(meaning(of: bytes, pieces: [cut]) == whole, "cut at \(cut)")
        }
        guard bytes.count < 2000 else { return }
        #expect(meaning(of: bytes, pieces: Array(1..<bytes.count)) == whole, "byte by byte")
    }

    @Test("random streams, mutated and cut at random, mean the same and never break the machine")
    func fuzz() {
        let seed = SystemRandom().next()
        print("cut fuzz seed \(seed)")
        let random = SeededRandom(seed: seed)
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
        let broken = RefusalCase.all.filter { $0.bytes.count < 400 }.map(\.bytes)
        let parts = Self.good.map { Array($0.utf8) } + broken
        let alphabet: [UInt8] = Array("\r\n\t :;,0129afGHh/*\u{0}\u{7F}".utf8) + [0x80, 0xFF]
        for round in 0..<4000 {
            var bytes: [UInt8] = []
            for _ in 0...below(4) { bytes += parts[below(Self.good.count * 3) % parts.count] }
            if below(3) == 0 { bytes += broken[below(broken.count)] }
            for _ in 0..<below(4) {
                let place = below(bytes.count)
                switch below(3) {
                case 0: bytes[place] = alphabet[below(alphabet.count)]
                case 1: bytes.insert(alphabet[below(alphabet.count)], at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let whole = meaning(of: bytes, pieces: [])
            let cuts = (0..<(1 + below(8))).map { _ in below(bytes.count + 1) }.sorted()
            let cut = meaning(of: bytes, pieces: cuts)
            guard cut != whole else { continue }
            Issue.record("seed \(seed) round \(round) cuts \(cuts): \(String(decoding: bytes, as: UTF8.self))")
            return
        }
    }
}

import Clocks
import Telemetry
import Testing

@testable import ServiceChassis

@Suite("Mutated tokens")
struct TokenFuzzTests {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    @Test("a token that was changed anywhere is never accepted", arguments: TokenFixtures.good)
    func mutations(name: String, token: String) throws {
        let seed = SystemRandom().next()
        let random = SeededRandom(seed: seed)
        let verifier = try TokenForge.verifier()
        let bytes = Array(token.utf8)
        for _ in 0..<400 {
            let mutant = String(decoding: Self.mutated(bytes, random), as: UTF8.self)
            guard mutant != token else { continue }
            #expect(throws: TokenRefusal.self, "\(name), seed \(seed): \(mutant)") {
                try verifier.verify(mutant, now: TokenForge.now)
            }
        }
    }

    /// One to three changes: a character replaced, dropped, doubled or set to anything; parts swapped or cut off.
    private static func mutated(_ token: [UInt8], _ random: SeededRandom) -> [UInt8] {
        var token = token
        for _ in 0...Int(random.next() % 3) where !token.isEmpty {
            let place = Int(random.next() % UInt64(token.count))
            switch random.next() % 7 {
            case 0, 1: token[place] = alphabet[Int(random.next() % 64)]
            case 2: token.remove(at: place)
            case 3: token.insert(token[place], at: place)
            case 4: token[place] = UInt8(truncatingIfNeeded: random.next() % 128)
            case 5: token.removeSubrange(place...)
            default:
                let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                token = Array(parts.reversed().joined(separator: [UInt8(ascii: ".")]))
            }
        }
        return token
    }

    @Test("parts of good tokens put together in another way are never accepted")
    func recombined() throws {
        let verifier = try TokenForge.verifier()
        let tokens = TokenFixtures.good.map { $0.token.split(separator: ".") }
        for header in tokens {
            for payload in tokens where payload[1] != header[1] {
                for signature in [header[2], payload[2]] {
                    let token = "\(header[0]).\(payload[1]).\(signature)"
                    guard !TokenFixtures.good.contains(where: { $0.token == token }) else { continue }
                    #expect(throws: TokenRefusal.self) { try verifier.verify(token, now: TokenForge.now) }
                }
            }
        }
    }

    @Test("bytes that are no key set are refused, and never crash")
    func keySets() {
        let random = SeededRandom(seed: SystemRandom().next())
        let document = Array(TokenFixtures.keySet.utf8)
        let whole = (try? KeySetDocument(document))?.keys.count
        #expect(whole == 3)
        for _ in 0..<200 {
            var mutant = document
            for _ in 0...Int(random.next() % 8) {
                mutant[Int(random.next() % UInt64(mutant.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            // Whatever is left of it: a key fewer, or nothing.
            #expect((try? KeySetDocument(mutant)).map { $0.keys.count <= 4 } ?? true)
        }
    }
}

import Clocks
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("version 7: time first, version and variant in place, lower case")
    func form() {
        let time = Timestamp(milliseconds: 0x0123_4567_89AB)
        let identifier = UUID.version7(at: time, random: SeededRandom(seed: 1))
        let text = identifier.description
        #expect(text.hasPrefix("01234567-89ab-7000-"))
        #expect("89ab".contains(text[text.index(text.startIndex, offsetBy: 19)]))
        #expect(text == text.lowercased())
        #expect(text.utf8.count == UUID.textLength)
    }

    @Test("identifiers of later moments sort later, within a millisecond too")
    func order() {
        let random = SeededRandom(seed: 2)
        let start = Timestamp(milliseconds: 1_767_225_600_000)
        let identifiers = (0..<3000).map { UUID.version7(at: start.advanced(by: .microseconds($0)), random: random) }
        #expect(identifiers == identifiers.sorted())
        #expect(Set(identifiers).count == identifiers.count)
        #expect(identifiers.map(\.description) == identifiers.map(\.description).sorted())
    }

    @Test("identifiers of one moment differ")
    func distinct() {
        let random = SeededRandom(seed: 3)
        let now = Timestamp(milliseconds: 1)
        #expect(Set((0..<1000).map { _ in UUID.version7(at: now, random: random) }).count == 1000)
    }

    @Test("text is read back, whatever its case")
    func reading() {
        let text = "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9f0a1b"
        let identifier = UUID(text)
        #expect(identifier?.description == text)
        #expect(UUID(text.uppercased()) == identifier)
        var bytes: [UInt8] = []
        identifier?.append(to: &bytes)
        #expect(bytes == Array(text.utf8))
    }

    @Test(
        "what is no identifier is refused",
        arguments: [
            "", "0190a0b1c2d37e4f8a5b6c7d8e9f0a1b", "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9f0a1",
            "{0190a0b1-c2d3-7e4f-8a5b-6c7d8e9f0a1b}",
            "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9f0a1g", "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9f0a1b0",
            "0190a0b1-c2d3-7e4f-8a5b_6c7d8e9f0a1b",
            "0190a0b-1c2d3-7e4f-8a5b-6c7d8e9f0a1b",
        ])
    func refused(text: String) {
        #expect(UUID(text) == nil)
    }
}

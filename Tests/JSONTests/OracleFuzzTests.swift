import JSON
import SimdjsonOracle
import Testing

/// Mutated documents, read by this module and by simdjson, which share no code: they must agree about what is JSON and
/// about every value.
///
/// The intended differences: this module refuses duplicate names and a byte order mark, and it reads numbers that no
/// 64 bits hold, leaving it to the decoder to refuse them.
///
/// `JSON_FUZZ_COUNT` sets the number of documents, `JSON_FUZZ_SEED` where the sequence starts.
@Suite("Fuzzing against simdjson")
struct OracleFuzzTests {
    @Test("mutated documents are refused or read as simdjson does")
    func agreement() throws {
        let count = setting("JSON_FUZZ_COUNT").flatMap { Int($0) } ?? 200_000
        let seed = setting("JSON_FUZZ_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        print("JSON_FUZZ_SEED=\(seed) JSON_FUZZ_COUNT=\(count)")
        var mutator = Mutator(seed: seed)
        var tally = (accepted: 0, refused: 0, duplicates: 0, numbers: 0)
        for round in 0..<count {
            let document = mutator.next()
            switch Comparison(document) {
            case .bothAccept: tally.accepted += 1
            case .bothRefuse: tally.refused += 1
            case .duplicateName: tally.duplicates += 1
            case .wideNumber: tally.numbers += 1
            case .disagreement(let what):
                Issue.record(
                    "seed \(seed), document \(round): \(what): \(String(decoding: document, as: UTF8.self)) \(document)"
                )
                return
            }
        }
        print("\(tally)")
        // A fuzz that only ever sees one side proves nothing.
        #expect(tally.accepted > count / 20)
        #expect(tally.refused > count / 20)
        #expect(tally.duplicates > 0 && tally.numbers > 0)
    }
}

/// How the two readers' answers relate.
private enum Comparison {
    case bothAccept, bothRefuse, duplicateName, wideNumber
    case disagreement(String)

    init(_ document: [UInt8]) {
        var trace: UnsafePointer<UInt8>?
        var length = 0
        let verdict = document.withUnsafeBufferPointer { oracle_read($0.baseAddress, $0.count, &trace, &length) }
        let root: JSONValue
        do {
            root = try JSONDocument(parsing: document, maximumDepth: 512).root
        } catch {
            guard case .malformed(let syntax) = error else { self = .disagreement("not a syntax error"); return }
            switch (verdict, syntax.reason) {
            case (oracle_accepted, .duplicateName): self = .duplicateName
            case (oracle_accepted, .byteOrderMark): self = .bothRefuse
            case (oracle_accepted, _): self = .disagreement("only simdjson accepts, we say \(syntax)")
            default: self = .bothRefuse
            }
            return
        }
        var own = Trace()
        own.put(root)
        switch verdict {
        case oracle_accepted:
            let isEqual = own.bytes.elementsEqual(UnsafeBufferPointer(start: trace, count: length))
            self = isEqual ? .bothAccept : .disagreement("other values")
        case oracle_refused_number where own.hasWideNumber: self = .wideNumber
        default: self = .disagreement("only simdjson refuses")
        }
    }
}

/// A document's values in order, in the notation of the oracle.
private struct Trace {
    var bytes: [UInt8] = []
    var hasWideNumber = false

    mutating func put(_ value: JSONValue) {
        switch value.kind {
        case .null: bytes.append(UInt8(ascii: "n"))
        case .boolean: bytes.append(value.bool == true ? UInt8(ascii: "t") : UInt8(ascii: "f"))
        case .number: putNumber(value)
        case .string: put(value.string ?? "?")
        case .array:
            bytes.append(UInt8(ascii: "["))
            for element in value.elements { put(element) }
            bytes.append(UInt8(ascii: "]"))
        case .object:
            bytes.append(UInt8(ascii: "{"))
            for member in value.members {
                put(member.name)
                put(member.value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func putNumber(_ value: JSONValue) {
        if value.isInteger {
            let bits = value.int64.map { UInt64(bitPattern: $0) } ?? value.numberText.flatMap { UInt64($0) }
            if let bits { put("i", bits) } else { hasWideNumber = true }
        } else if let double = value.double {
            put("d", double.bitPattern)
        } else {
            hasWideNumber = true
        }
    }

    private mutating func put(_ text: String) {
        put("s", UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func put(_ tag: Unicode.Scalar, _ bits: UInt64) {
        bytes.append(UInt8(ascii: tag))
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
    }
}

/// Takes valid documents and spoils them a little, so that many stay valid.
private struct Mutator {
    private var random: SplitMix
    private static let documents: [[UInt8]] = [
        #"{"customerId":"c-1","lines":[{"sku":"SKU-1","quantity":2}],"payment":{"token":"tok_ok"}}"#,
        #"{"a":1,"b":[true,false,null],"c":{"a":-0.5e+10}}"#, #"[0,-1,1.5,1e5,123456789012,-9223372036854775808]"#,
        #"[18446744073709551615,9223372036854775807,1e-7,0.1]"#, #"["",{"":{}},[[]],"\u0041\ud83d\ude00\n\"\\\/"]"#,
        "[\"é€😀\u{7F}\u{FFFF}\u{10FFFF}\", \"plain text of more than eight bytes\"]", " { \"x\" :\t[ 1 ,\r\n2 ] } ",
        #"{"aaaaaaaa":1,"aaaaaaab":2,"aaaaaaac":{"k":1,"l":2,"m":3,"n":4,"o":5,"p":6,"q":7,"r":8,"s":9,"t":0,"u":1,"v":2,"w":3}}"#,
        #""just a string""#, "12", "null", #"{"n":1,"\u006e\u006e":2,"e":3.141592653589793}"#,
    ].map { Array($0.utf8) }
    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0061", "0", "1", "-", ".", "e",
            "E+",
            "true", "null", " ", "\n", "\u{1}", "\0", "é", "😀", "99999999999", "e999", "NaN", "//", "'", "[]", "{}",
            "\"a\":",
            ",\"a\":1", ",1", "\u{FEFF}",
        ].map { Array($0.utf8) } + [[0x80], [0xC0], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0xFF], [0xE2, 0x82]]

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func next() -> [UInt8] {
        var document = Self.documents[random.below(Self.documents.count)]
        for _ in 0..<random.below(4) { mutate(&document) }
        return document
    }

    private mutating func mutate(_ document: inout [UInt8]) {
        let position = random.below(document.count + 1)
        switch random.below(6) {
        case 0:
            if position < document.count { document[position] ^= 1 << UInt8(random.below(8)) }
        case 1:
            document.removeSubrange(position..<min(document.count, position + 1 + random.below(4)))
        case 2:
            let end = min(document.count, position + 1 + random.below(12))
            document.insert(contentsOf: Array(document[position..<end]), at: random.below(document.count + 1))
        case 3:
            let other = Self.documents[random.below(Self.documents.count)]
            let (first, second) = (random.below(other.count + 1), random.below(other.count + 1))
            document.insert(contentsOf: other[min(first, second)..<max(first, second)], at: position)
        case 4:
            if position < document.count { document[position] = UInt8(random.below(256)) }
        default:
            document.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: position)
        }
    }
}

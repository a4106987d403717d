import JSON

/// A JSON value as a plain tree, with the naive reading, writing and comparing that properties are checked against.
indirect enum Tree: Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case string([Unicode.Scalar])
    case array([Tree])
    case object([(name: [Unicode.Scalar], value: Tree)])

    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .boolean: self = .boolean(value.bool == true)
        case .number: self = Self.integer(of: value).map(Tree.integer) ?? .double(value.double ?? .nan)
        case .string: self = .string(Array((value.string ?? "").unicodeScalars))
        case .array: self = .array(value.elements.map(Tree.init))
        case .object: self = .object(value.members.map { (Array($0.name.unicodeScalars), Tree($0.value)) })
        }
    }

    /// The integer also behind `12e3`, which a double would round.
    private static func integer(of value: JSONValue) -> Int64? {
        let parts = (value.numberText ?? "").split(separator: "e")
        guard parts.count == 2, let zeros = Int(parts[1]), (0...18).contains(zeros) else { return value.int64 }
        return Int64(parts[0] + String(repeating: "0", count: zeros))
    }

    /// A tree of so many levels at most, with texts that are easy to get wrong.
    static func random(depth: Int, _ random: inout SplitMix) -> Tree {
        switch random.below(depth > 0 ? 8 : 5) {
        case 0: return .null
        case 1: return .boolean(random.below(2) == 0)
        case 2: return .integer(Int64(bitPattern: random.next()) >> Int64(random.below(64)))
        case 3:
            let double = Double(bitPattern: random.next())
            return double.isFinite ? .double(double) : .integer(0)
        case 4: return .string(text(&random))
        case 5: return .array((0..<random.below(5)).map { _ in .random(depth: depth - 1, &random) })
        default:
            var names: Set<[Unicode.Scalar]> = []
            for _ in 0..<random.below(random.below(10) == 0 ? 40 : 6) { names.insert(text(&random)) }
            let sorted = names.sorted { $0.lexicographicallyPrecedes($1) }
            return .object(sorted.shuffled(using: &random).map { ($0, .random(depth: depth - 1, &random)) })
        }
    }

    private static func text(_ random: inout SplitMix) -> [Unicode.Scalar] {
        let alphabet = Array("ab\"\\/\u{0}\u{1F} \u{7F}é\u{301}€😀\u{FFFF}\u{2028}\n\t".unicodeScalars)
        return (0..<random.below(random.below(4) == 0 ? 30 : 4)).map { _ in alphabet[random.below(alphabet.count)] }
    }

    /// Writes the tree with the module's writer.
    func write(to json: inout JSONWriter) {
        switch self {
        case .null: json.null()
        case .boolean(let value): json.boolean(value)
        case .integer(let value): json.integer(value)
        case .double(let value): json.number(value)
        case .string(let scalars): json.string(Self.string(scalars))
        case .array(let elements): json.array(elements) { $1.write(to: &$0) }
        case .object(let members):
            json.object {
                for (name, value) in members {
                    $0.name(Self.string(name))
                    value.write(to: &$0)
                }
            }
        }
    }

    /// Another text of an equal document: members, white space and escapes at random.
    func variant(_ random: inout SplitMix) -> String {
        let space = ["", "", " ", "\n\t", "\r\n "][random.below(5)]
        switch self {
        case .null: return space + "null" + space
        case .boolean(let value): return space + "\(value)" + space
        case .integer(let value): return space + Self.number("\(value)", &random) + space
        case .double(let value): return space + Self.number("\(value)", &random) + space
        case .string(let scalars): return space + Self.quoted(scalars, &random) + space
        case .array(let elements):
            let texts = elements.map { $0.variant(&random) }
            return "\(space)[\(space)\(texts.joined(separator: ","))]\(space)"
        case .object(let members):
            let texts = members.shuffled(using: &random).map { name, value in
                Self.quoted(name, &random) + space + ":" + value.variant(&random)
            }
            return "\(space){\(space)\(texts.joined(separator: space + "," + space))}\(space)"
        }
    }

    /// Another text of the same number.
    private static func number(_ text: String, _ random: inout SplitMix) -> String {
        guard !text.contains("e") else { return text.replacing("e", with: "E") }
        switch random.below(3) {
        case 0: return text + "E0"
        case 1: return text.contains(".") ? text + "00" : text + ".0"
        default: return text
        }
    }

    private static func quoted(_ scalars: [Unicode.Scalar], _ random: inout SplitMix) -> String {
        var text = "\""
        for scalar in scalars {
            if scalar.value >= 0x20, scalar != "\"", scalar != "\\", random.below(3) > 0 {
                text.unicodeScalars.append(scalar)
            } else {
                for unit in String(Character(scalar)).utf16 {
                    let digits = String(unit, radix: 16, uppercase: random.below(2) == 0)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return text + "\""
    }

    static func string(_ scalars: [Unicode.Scalar]) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }

    /// Equality after parsing: order of members apart, numbers by value.
    static func == (left: Tree, right: Tree) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.boolean(let left), .boolean(let right)): return left == right
        case (.integer(let left), .integer(let right)): return left == right
        case (.double(let left), .double(let right)): return left == right
        case (.integer(let left), .double(let right)): return Double(left) == right
        case (.double, .integer): return right == left
        case (.string(let left), .string(let right)): return left == right
        case (.array(let left), .array(let right)): return left == right
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { member in
                    right.contains { $0.name == member.name && $0.value == member.value }
                }
        default: return false
        }
    }
}

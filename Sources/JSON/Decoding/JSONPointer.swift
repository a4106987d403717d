/// The path from a document's root to a place in it (RFC 6901), written as a URI fragment.
///
/// Written as a literal it reads like the path: `["lines", .index(n), "sku"]` is `#/lines/0/sku` for `n == 0`.
public struct JSONPointer: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// One step of a path.
    public enum Step: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        /// To the member with this name.
        case member(String)
        /// To the element at this position.
        case index(Int)

        /// A step to a member.
        public init(stringLiteral name: String) {
            self = .member(name)
        }

        /// A step to an element.
        public init(integerLiteral index: Int) {
            self = .index(index)
        }
    }

    /// The pointer as a URI fragment: `#`, then `/` and the escaped step for each step.
    public private(set) var fragment = "#"

    /// The pointer to the root.
    public static let root: JSONPointer = []

    /// Creates a pointer from its steps.
    public init(arrayLiteral steps: Step...) {
        self.init(steps)
    }

    /// Creates a pointer from its steps.
    public init(_ steps: some Sequence<Step>) {
        for step in steps { append(step) }
    }

    /// Goes one step further.
    public mutating func append(_ step: Step) {
        fragment.append("/")
        switch step {
        case .index(let index): fragment.append(String(index))
        case .member(let name): for byte in name.utf8 { append(byte) }
        }
    }

    /// The pointer one step further.
    public func appending(_ step: Step) -> JSONPointer {
        var pointer = self
        pointer.append(step)
        return pointer
    }

    private mutating func append(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "~"): fragment.append("~0")
        case UInt8(ascii: "/"): fragment.append("~1")
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            // The rest of what RFC 3986 lets a fragment hold unescaped.
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&")...UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "?"):
            fragment.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            fragment.append(digits.count == 1 ? "%0" : "%")
            fragment.append(digits)
        }
    }
}

extension JSONPointer: CustomStringConvertible {
    /// The URI fragment.
    public var description: String { fragment }
}

extension JSONStorage {
    /// The way down to the value at this node; costs a walk past all siblings before each step, so it is for errors.
    func pointer(to target: Int) -> JSONPointer {
        var pointer = JSONPointer.root
        var node = 0
        while node != target {
            let isObject = nodes[node].kind == .object
            var child = isObject ? node + 2 : node + 1
            var position = 0
            while Int(nodes[child].end) <= target {
                child = Int(nodes[child].end) + (isObject ? 1 : 0)
                position += 1
            }
            pointer.append(isObject ? .member(string(at: child - 1)) : .index(position))
            node = child
        }
        return pointer
    }
}

extension JSONValue {
    /// The path from the document's root to this value.
    public var pointer: JSONPointer { storage.pointer(to: index) }
}

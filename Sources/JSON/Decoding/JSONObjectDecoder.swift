/// Reads the members of one object by name and remembers which were asked for.
///
/// Members may be read in any order; in the order of the document it is fastest. Every member the object may have
/// has to be asked for on every path, or it counts as unknown.
public struct JSONObjectDecoder: ~Copyable {
    private let context: JSONDecodingContext
    /// The object; nil when what should be one is missing or something else, which has been noted.
    private let node: Int?
    private let count: Int
    /// The name's node where the next search begins, and its position among the members.
    private var cursor: (node: Int, ordinal: Int)
    private var asked = MemberSet()

    init(context: JSONDecodingContext, node: Int?) {
        self.context = context
        self.node = node
        count = node.map { Int(context.storage.nodes[$0].count) } ?? 0
        cursor = ((node ?? 0) + 1, 0)
    }

    /// The member with this name, which has to be there.
    public mutating func required(_ name: StaticString) -> JSONField {
        guard let node else { return JSONField(context: context, place: .nowhere) }
        guard let value = find(name, in: node) else {
            return JSONField(context: context, place: .missing(name, object: node))
        }
        return JSONField(context: context, place: .value(value))
    }

    /// The member with this name; nil when it is absent or `null`.
    public mutating func optional(_ name: StaticString) -> JSONField? {
        guard let node, let value = find(name, in: node), context.storage.nodes[value].kind != .null else { return nil }
        return JSONField(context: context, place: .value(value))
    }

    /// Notes a problem of the caller's own with a member, there or not.
    public mutating func refuse(_ name: StaticString, _ detail: String) {
        required(name).refuse(detail)
    }

    /// Notes a problem of the caller's own with the object as a whole.
    public func refuse(_ detail: String) {
        if let node { context.report(at: node, detail) }
    }

    private mutating func find(_ name: StaticString, in object: Int) -> Int? {
        let nodes = context.storage.nodes
        return name.withUTF8Buffer { name in
            for _ in 0..<count {
                let (node, ordinal) = cursor
                cursor = ordinal + 1 == count ? (object + 1, 0) : (Int(nodes[node + 1].end), ordinal + 1)
                if context.storage.isName(at: node, name) {
                    asked.insert(ordinal)
                    return node + 1
                }
            }
            return nil
        }
    }

    /// Notes the members nobody asked for.
    @usableFromInline
    func finish() {
        guard let node, asked.count < count, context.unknownMembers == .refused else { return }
        var name = node + 1
        for ordinal in 0..<count where !context.isFull {
            if !asked.contains(ordinal) { reportUnknown(name, of: node) }
            name = Int(context.storage.nodes[name + 1].end)
        }
    }

    private func reportUnknown(_ name: Int, of object: Int) {
        let length = context.storage.nodes[name].count
        if length <= 256 {
            context.report(at: name + 1, "is not a known member")
        } else {
            // Such a name is nobody's typing error, and an answer should not be as large as what it answers.
            context.report(at: object, "has an unknown member with a name of \(length) bytes")
        }
    }
}

/// Positions of members within their object; the first 64 take no memory of their own.
private struct MemberSet {
    private var first: UInt64 = 0
    private var others: Set<Int> = []

    var count: Int { first.nonzeroBitCount + others.count }

    mutating func insert(_ ordinal: Int) {
        if ordinal < 64 { first |= 1 << UInt64(ordinal) } else { others.insert(ordinal) }
    }

    func contains(_ ordinal: Int) -> Bool {
        ordinal < 64 ? first >> UInt64(ordinal) & 1 == 1 : others.contains(ordinal)
    }
}

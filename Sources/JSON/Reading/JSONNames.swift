/// The member names of one object, unescaped and side by side, for comparing and sorting them as bytes.
struct JSONNames {
    struct Entry {
        var start: Int
        var length: Int
        /// The name's node.
        var node: Int
    }

    private(set) var entries: [Entry] = []
    private var bytes: [UInt8] = []
    /// Comparisons so far.
    private(set) var comparisons = 0

    /// Takes the names of a container whose contents end where `nodes` end or where the container says.
    init(ofObjectAt index: Int, in nodes: [JSONNode], source: UnsafeBufferPointer<UInt8>) {
        entries.reserveCapacity(Int(nodes[index].count))
        var node = index + 1
        for _ in 0..<nodes[index].count {
            let name = nodes[node]
            let start = bytes.count
            Self.append(name, from: source, to: &bytes)
            entries.append(Entry(start: start, length: bytes.count - start, node: node))
            node = Int(nodes[node + 1].end)
        }
    }

    /// Sorts by bytes, a prefix before what it begins, and equal names by their place in the document.
    mutating func sort() {
        var comparisons = 0
        bytes.withUnsafeBufferPointer { bytes in
            entries.sort { left, right in
                comparisons += 1
                let difference = Self.compare(left, right, in: bytes)
                return difference == 0 ? left.node < right.node : difference < 0
            }
        }
        self.comparisons += comparisons
    }

    /// The first node in the document whose name an earlier member has; the names must be sorted.
    var firstRepeated: Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var first: Int?
            for (earlier, later) in zip(entries, entries.dropFirst())
            where Self.compare(earlier, later, in: bytes) == 0 && later.node < first ?? .max {
                first = later.node
            }
            return first
        }
    }

    private static func compare(_ left: Entry, _ right: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        for distance in 0..<min(left.length, right.length) {
            let difference = Int(bytes[left.start + distance]) - Int(bytes[right.start + distance])
            if difference != 0 { return difference }
        }
        return left.length - right.length
    }

    /// Appends a string's bytes with its escapes resolved.
    static func append(_ string: JSONNode, from source: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        let slice = UnsafeBufferPointer(rebasing: source[string.range])
        if string.isPlain {
            bytes.append(contentsOf: slice)
        } else {
            JSONBytes.forEachUnescaped(slice) { bytes.append($0) }
        }
    }

    /// A string's text, cut to `limit` bytes of UTF-8.
    static func text(of string: JSONNode, in source: UnsafeBufferPointer<UInt8>, limit: Int) -> String {
        var bytes: [UInt8] = []
        append(string, from: source, to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.count > limit else { return text }
        return String(text.unicodeScalars.prefix(limit)) + "…"
    }
}

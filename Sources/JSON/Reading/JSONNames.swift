/// Member names of objects, sorted by their unescaped bytes: a stack, so that the objects inside an object reuse it.
struct JSONNames {
    struct Entry {
        /// The name's node.
        var node: Int
        /// First byte, in the source or, where the name has escapes there, among the copies.
        var start: Int
        var length: Int
        var isCopy: Bool
    }

    private var entries: [Entry] = []
    /// The names that have escapes, with these resolved.
    private var copies: [UInt8] = []
    /// Comparisons so far.
    private(set) var comparisons = 0

    subscript(position: Int) -> Entry { entries[position] }

    /// Puts the names of an object on top, sorted by bytes, a prefix before what it begins, and equal names by their
    /// place in the document. Returns where they are.
    mutating func push(
        ofObjectAt index: Int, in nodes: [JSONNode], source: UnsafeBufferPointer<UInt8>
    ) -> Range<Int> {
        let first = entries.count
        entries.reserveCapacity(first + Int(nodes[index].count))
        var node = index + 1
        for _ in 0..<nodes[index].count {
            entries.append(entry(node, nodes[node], source))
            node = Int(nodes[node + 1].end)
        }
        sort(from: first, source)
        return first..<entries.count
    }

    /// Takes off what the last ``push(ofObjectAt:in:source:)`` put on; copies stay until the end, bounded by the source.
    mutating func pop(_ range: Range<Int>) {
        entries.removeSubrange(range)
    }

    /// The first node in the document whose name an earlier member has.
    func firstRepeated(in range: Range<Int>, source: UnsafeBufferPointer<UInt8>) -> Int? {
        copies.withUnsafeBufferPointer { copies in
            var first: Int?
            for position in range.dropFirst() where entries[position].node < first ?? .max {
                let (earlier, later) = (entries[position - 1], entries[position])
                if Self.compare(earlier, later, source, copies) == 0 { first = later.node }
            }
            return first
        }
    }

    private mutating func entry(_ index: Int, _ name: JSONNode, _ source: UnsafeBufferPointer<UInt8>) -> Entry {
        guard !name.isPlain else {
            return Entry(node: index, start: Int(name.offset), length: Int(name.length), isCopy: false)
        }
        let start = copies.count
        JSONBytes.appendUnescaped(name, from: source, to: &copies)
        return Entry(node: index, start: start, length: copies.count - start, isCopy: true)
    }

    private mutating func sort(from first: Int, _ source: UnsafeBufferPointer<UInt8>) {
        var comparisons = 0
        copies.withUnsafeBufferPointer { copies in
            entries.withUnsafeMutableBufferPointer { entries in
                var new = UnsafeMutableBufferPointer(rebasing: entries[first...])
                new.sort { left, right in
                    comparisons += 1
                    let difference = Self.compare(left, right, source, copies)
                    return difference == 0 ? left.node < right.node : difference < 0
                }
            }
        }
        self.comparisons += comparisons
    }

    private static func compare(
        _ left: Entry, _ right: Entry, _ source: UnsafeBufferPointer<UInt8>, _ copies: UnsafeBufferPointer<UInt8>
    ) -> Int {
        let (leftBytes, rightBytes) = (left.isCopy ? copies : source, right.isCopy ? copies : source)
        for distance in 0..<min(left.length, right.length) {
            let difference = Int(leftBytes[left.start + distance]) - Int(rightBytes[right.start + distance])
            if difference != 0 { return difference }
        }
        return left.length - right.length
    }
}

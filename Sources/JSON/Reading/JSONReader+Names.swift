extension JSONReader {
    /// Up to this many members are compared pair by pair, without memory; more are sorted.
    private static let pairwiseLimit = 12

    /// Refuses an object that has a name twice, compared as bytes once unescaped.
    mutating func refuseDuplicateNames(ofObjectAt index: Int, _ text: borrowing Span<UInt8>) throws(Failure) {
        let duplicate =
            nodes[index].count <= Self.pairwiseLimit
            ? duplicateByPairs(ofObjectAt: index, text) : duplicateBySorting(ofObjectAt: index, text)
        guard let duplicate else { return }
        let name = text.withUnsafeBufferPointer { JSONNames.text(of: nodes[duplicate], in: $0, limit: 64) }
        throw Failure(reason: .duplicateName(name), offset: Int(nodes[duplicate].offset) - 1)
    }

    private mutating func duplicateByPairs(ofObjectAt index: Int, _ text: borrowing Span<UInt8>) -> Int? {
        var later = index + 1
        while later < nodes.count {
            let name = nodes[later]
            guard name.isPlain else { return duplicateBySorting(ofObjectAt: index, text) }
            var earlier = index + 1
            while earlier < later {
                nameComparisons += 1
                if nodes[earlier].length == name.length, isEqual(nodes[earlier], name, text) { return later }
                earlier = Int(nodes[earlier + 1].end)
            }
            later = Int(nodes[later + 1].end)
        }
        return nil
    }

    private func isEqual(_ left: JSONNode, _ right: JSONNode, _ text: borrowing Span<UInt8>) -> Bool {
        for distance in 0..<Int(left.length)
        where text[Int(left.offset) + distance] != text[Int(right.offset) + distance] {
            return false
        }
        return true
    }

    private mutating func duplicateBySorting(ofObjectAt index: Int, _ text: borrowing Span<UInt8>) -> Int? {
        var names = text.withUnsafeBufferPointer { JSONNames(ofObjectAt: index, in: nodes, source: $0) }
        names.sort()
        nameComparisons += names.comparisons
        return names.firstRepeated
    }
}

extension JSONReader {
    /// Up to this many members are compared pair by pair, without memory; more are sorted.
    private static let pairwiseLimit = 12

    /// Refuses an object that has a name twice, compared as bytes once unescaped.
    mutating func refuseDuplicateNames(ofObjectAt index: Int, _ text: borrowing Span<UInt8>) throws(Failure) {
        let duplicate =
            nodes[index].count <= Self.pairwiseLimit
            ? duplicateByPairs(ofObjectAt: index, text) : duplicateBySorting(ofObjectAt: index, text)
        guard let duplicate else { return }
        let name = text.withUnsafeBufferPointer { Self.excerpt(of: nodes[duplicate], in: $0) }
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
        var names = JSONNames()
        defer { nameComparisons += names.comparisons }
        return text.withUnsafeBufferPointer { source in
            let range = names.push(ofObjectAt: index, in: nodes, source: source)
            return names.firstRepeated(in: range, source: source)
        }
    }

    /// A name's text, cut to a length fit for an error.
    private static func excerpt(of name: JSONNode, in source: UnsafeBufferPointer<UInt8>) -> String {
        var bytes: [UInt8] = []
        JSONBytes.appendUnescaped(name, from: source, to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        return bytes.count > 64 ? String(text.unicodeScalars.prefix(64)) + "…" : text
    }
}

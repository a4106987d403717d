extension JSONDocument {
    /// The canonical form of the document: see ``JSONValue/appendCanonical(to:)``.
    public var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(root.source.count)
        root.appendCanonical(to: &bytes)
        return bytes
    }
}

extension JSONValue {
    /// Appends the canonical form: two values have the same one just when they are equal after parsing.
    ///
    /// Equal means: the same kind; strings with the same code points; numbers with the same exact decimal value, so
    /// that `1`, `1.0` and `10e-1` are one number and 0.1 and 0.1000000000000000001 are two; arrays with equal elements
    /// in order; objects with the same names, compared byte for byte, and equal values, in whatever order.
    ///
    /// The form is JSON without white space. Members are sorted by the bytes of their unescaped names, strings have
    /// the fewest escapes, and a number is its digits without superfluous zeros, followed by `e` and an exponent where
    /// that is not 0: `15e-1`, `1e2`.
    public func appendCanonical(to bytes: inout [UInt8]) {
        storage.bytes.withUnsafeBufferPointer { source in
            var names = JSONNames()
            storage.appendCanonical(index, source, &names, &bytes)
        }
    }
}

extension JSONStorage {
    /// Recursion is bounded by the depth the document was read with.
    fileprivate func appendCanonical(
        _ index: Int, _ source: UnsafeBufferPointer<UInt8>, _ names: inout JSONNames, _ bytes: inout [UInt8]
    ) {
        let node = nodes[index]
        switch node.kind {
        case .null, .boolean: bytes.append(contentsOf: source[node.range])
        case .number: JSONDecimal(UnsafeBufferPointer(rebasing: source[node.range])).append(to: &bytes)
        case .string: appendCanonicalString(node, source, &bytes)
        case .array:
            bytes.append(UInt8(ascii: "["))
            var child = index + 1
            for position in 0..<node.count {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                appendCanonical(child, source, &names, &bytes)
                child = Int(nodes[child].end)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object:
            let range = names.push(ofObjectAt: index, in: nodes, source: source)
            bytes.append(UInt8(ascii: "{"))
            for position in range {
                if position > range.lowerBound { bytes.append(UInt8(ascii: ",")) }
                let name = names[position].node
                appendCanonicalString(nodes[name], source, &bytes)
                bytes.append(UInt8(ascii: ":"))
                appendCanonical(name + 1, source, &names, &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
            names.pop(range)
        }
    }

    private func appendCanonicalString(
        _ node: JSONNode, _ source: UnsafeBufferPointer<UInt8>, _ bytes: inout [UInt8]
    ) {
        guard !node.isPlain else {
            // Without escapes in the source there is nothing that would need one.
            bytes.append(contentsOf: source[node.range.lowerBound - 1..<node.range.upperBound + 1])
            return
        }
        var text: [UInt8] = []
        JSONBytes.appendUnescaped(node, from: source, to: &text)
        text.withUnsafeBufferPointer { JSONBytes.appendQuoted($0, to: &bytes) }
    }
}

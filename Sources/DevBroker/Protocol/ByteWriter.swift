/// Writes an answer in the types of the Kafka protocol.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 128) {
        bytes.reserveCapacity(capacity)
    }

    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func string(_ text: String) {
        integer(Int16(clamping: text.utf8.count))
        bytes.append(contentsOf: text.utf8.prefix(Int(Int16.max)))
    }

    mutating func nullableString(_ text: String?) {
        if let text { string(text) } else { integer(Int16(-1)) }
    }

    mutating func byteString(_ value: [UInt8]) {
        integer(Int32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    mutating func array<Element: WireWritable>(_ elements: some Collection<Element>, version: Int16) {
        integer(Int32(clamping: elements.count))
        for element in elements { element.write(to: &self, version: version) }
    }

    mutating func unsignedVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Writes a length over the four bytes at `position`.
    mutating func patch(_ value: Int32, at position: Int) {
        withUnsafeBytes(of: value.bigEndian) { source in
            for (index, byte) in source.enumerated() { bytes[position + index] = byte }
        }
    }
}

/// What can be written into an answer of some version of its API.
protocol WireWritable {
    func write(to writer: inout ByteWriter, version: Int16)
}

extension Int32: WireWritable {
    func write(to writer: inout ByteWriter, version: Int16) { writer.integer(self) }
}

/// Reads what a client sent in the types of the Kafka protocol: integers with the high byte first, strings and arrays
/// with their length before them.
///
/// Every read is checked against what is there; a length that reaches beyond it is an error and reserves nothing.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - position }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(MalformedRequest) -> Value {
        let start = try skip(MemoryLayout<Value>.size)
        return bytes.withUnsafeBytes { Value(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: Value.self)) }
    }

    mutating func boolean() throws(MalformedRequest) -> Bool { try integer(Int8.self) != 0 }

    mutating func string() throws(MalformedRequest) -> String {
        guard let text = try nullableString() else {
            throw MalformedRequest(description: "a string at byte \(position) is null")
        }
        return text
    }

    mutating func nullableString() throws(MalformedRequest) -> String? {
        let length = Int(try integer(Int16.self))
        return length == -1 ? nil : try text(length)
    }

    mutating func byteString() throws(MalformedRequest) -> [UInt8] {
        guard let value = try nullableByteString() else {
            throw MalformedRequest(description: "a byte string at byte \(position) is null")
        }
        return value
    }

    mutating func nullableByteString() throws(MalformedRequest) -> [UInt8]? {
        let length = Int(try integer(Int32.self))
        guard length != -1 else { return nil }
        let start = try skip(length)
        return Array(bytes[start..<start + length])
    }

    /// An array whose elements are at least a byte each.
    mutating func array<Element: WireReadable>(
        of type: Element.Type = Element.self, version: Int16
    ) throws(MalformedRequest) -> [Element] {
        guard let elements: [Element] = try nullableArray(version: version) else {
            throw MalformedRequest(description: "an array at byte \(position) is null")
        }
        return elements
    }

    mutating func nullableArray<Element: WireReadable>(
        of type: Element.Type = Element.self, version: Int16
    ) throws(MalformedRequest) -> [Element]? {
        let count = Int(try integer(Int32.self))
        guard count != -1 else { return nil }
        guard count >= 0, count <= remaining else {
            throw MalformedRequest(description: "an array at byte \(position) claims \(count) elements")
        }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try Element(from: &self, version: version)) }
        return elements
    }

    // MARK: The compact forms of newer versions

    mutating func compactString() throws(MalformedRequest) -> String? {
        let length = Int(try unsignedVarint()) - 1
        return length == -1 ? nil : try text(length)
    }

    /// Skips the tagged fields at the end of a structure; none of them concerns this broker.
    mutating func taggedFields() throws(MalformedRequest) {
        let count = try unsignedVarint()
        for _ in 0..<count {
            _ = try unsignedVarint()
            _ = try skip(Int(try unsignedVarint()))
        }
    }

    mutating func unsignedVarint() throws(MalformedRequest) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), to: 35, by: 7) {
            let byte = try integer(UInt8.self)
            value |= UInt32(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw MalformedRequest(description: "a variable-length number at byte \(position) has more than five bytes")
    }

    /// The zigzag form that records use.
    mutating func varlong() throws(MalformedRequest) -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try integer(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        throw MalformedRequest(description: "a variable-length number at byte \(position) has more than ten bytes")
    }

    // MARK: -

    /// Steps over `count` bytes and returns where they begin.
    mutating func skip(_ count: Int) throws(MalformedRequest) -> Int {
        guard count >= 0, count <= remaining else {
            throw MalformedRequest(
                description: "\(count) bytes are announced at byte \(position), where \(remaining) are left")
        }
        defer { position += count }
        return position
    }

    private mutating func text(_ length: Int) throws(MalformedRequest) -> String {
        let start = try skip(length)
        guard let text = String(validating: bytes[start..<start + length], as: UTF8.self) else {
            throw MalformedRequest(description: "the string at byte \(start) is not UTF-8")
        }
        return text
    }
}

/// What can be read from a request of some version of its API.
protocol WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest)
}

extension String: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) { self = try reader.string() }
}

extension Int32: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) { self = try reader.integer() }
}

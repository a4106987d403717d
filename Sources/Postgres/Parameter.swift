import Clocks

/// A value for a statement, in Postgres' binary format.
package enum Parameter: Sendable {
    case null
    case bool(Bool)
    case int4(Int32)
    case int8(Int64)
    case double(Double)
    case text(String)
    case bytes([UInt8])
    case uuid(UUID)
    case timestamp(Timestamp)
    /// JSON text for a `jsonb`.
    case json([UInt8])

    case bools([Bool])
    case int4s([Int32])
    case int8s([Int64])
    case doubles([Double])
    case texts([String])
    case optionalTexts([String?])
    case uuids([UUID])
    case optionalUUIDs([UUID?])
    case bytesArray([[UInt8]])
    case optionalBytesArray([[UInt8]?])
    case timestamps([Timestamp])
    case optionalTimestamps([Timestamp?])
}

extension Timestamp {
    /// Postgres counts from 2000-01-01.
    private static let postgresEpoch: Int64 = 946_684_800_000_000

    var postgresMicroseconds: Int64 { microseconds - Self.postgresEpoch }

    init(postgresMicroseconds: Int64) {
        self.init(microseconds: postgresMicroseconds + Self.postgresEpoch)
    }
}

extension Parameter {
    private enum ElementType {
        static let bool: UInt32 = 16
        static let bytea: UInt32 = 17
        static let int8: UInt32 = 20
        static let int4: UInt32 = 23
        static let text: UInt32 = 25
        static let float8: UInt32 = 701
        static let timestamptz: UInt32 = 1184
        static let uuid: UInt32 = 2950
    }

    /// Appends the value's bytes; false for NULL.
    func append(to bytes: inout [UInt8]) -> Bool {
        switch self {
        case .null: return false
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int4(let value): bytes.appendBigEndian(value)
        case .int8(let value): bytes.appendBigEndian(value)
        case .double(let value): bytes.appendBigEndian(value.bitPattern)
        case .text(let value): bytes.append(contentsOf: value.utf8)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .uuid(let value): bytes.append(value)
        case .timestamp(let value): bytes.appendBigEndian(value.postgresMicroseconds)
        case .json(let value):
            bytes.append(1)
            bytes.append(contentsOf: value)
        case .bools(let values): bytes.appendArray(values, ElementType.bool) { $0.append($1 ? 1 : 0) }
        case .int4s(let values): bytes.appendArray(values, ElementType.int4) { $0.appendBigEndian($1) }
        case .int8s(let values): bytes.appendArray(values, ElementType.int8) { $0.appendBigEndian($1) }
        case .doubles(let values):
            bytes.appendArray(values, ElementType.float8) { $0.appendBigEndian($1.bitPattern) }
        case .texts(let values): bytes.appendArray(values, ElementType.text) { $0.append(contentsOf: $1.utf8) }
        case .optionalTexts(let values):
            bytes.appendArray(optional: values, ElementType.text) { $0.append(contentsOf: $1.utf8) }
        case .uuids(let values): bytes.appendArray(values, ElementType.uuid) { $0.append($1) }
        case .optionalUUIDs(let values): bytes.appendArray(optional: values, ElementType.uuid) { $0.append($1) }
        case .bytesArray(let values): bytes.appendArray(values, ElementType.bytea) { $0.append(contentsOf: $1) }
        case .optionalBytesArray(let values):
            bytes.appendArray(optional: values, ElementType.bytea) { $0.append(contentsOf: $1) }
        case .timestamps(let values):
            bytes.appendArray(values, ElementType.timestamptz) { $0.appendBigEndian($1.postgresMicroseconds) }
        case .optionalTimestamps(let values):
            bytes.appendArray(optional: values, ElementType.timestamptz) {
                $0.appendBigEndian($1.postgresMicroseconds)
            }
        }
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ value: UUID) {
        appendBigEndian(value.high)
        appendBigEndian(value.low)
    }

    /// The binary form of a one-dimensional array: dimensions, has-nulls, element type, length, lower bound, elements.
    private mutating func appendArrayHead(count: Int, hasNulls: Bool, _ type: UInt32) {
        appendBigEndian(Int32(count == 0 ? 0 : 1))
        appendBigEndian(Int32(hasNulls ? 1 : 0))
        appendBigEndian(type)
        guard count > 0 else { return }
        appendBigEndian(Int32(count))
        appendBigEndian(Int32(1))
    }

    private mutating func appendSized<Item>(_ element: Item, _ write: (inout [UInt8], Item) -> Void) {
        let start = count
        appendBigEndian(Int32(0))
        write(&self, element)
        let length = Int32(count - start - 4).bigEndian
        Swift.withUnsafeBytes(of: length) { replaceSubrange(start..<start + 4, with: $0) }
    }

    fileprivate mutating func appendArray<Item>(
        _ values: [Item], _ type: UInt32, _ write: (inout [UInt8], Item) -> Void
    ) {
        appendArrayHead(count: values.count, hasNulls: false, type)
        for value in values { appendSized(value, write) }
    }

    fileprivate mutating func appendArray<Item>(
        optional values: [Item?], _ type: UInt32, _ write: (inout [UInt8], Item) -> Void
    ) {
        appendArrayHead(count: values.count, hasNulls: true, type)
        for value in values {
            if let value { appendSized(value, write) } else { appendBigEndian(Int32(-1)) }
        }
    }
}

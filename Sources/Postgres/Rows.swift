import Clocks

/// The answer to a statement.
package struct Rows: Sendable, RandomAccessCollection {
    let result: LibpqResult
    package let count: Int

    init(result: LibpqResult) {
        self.result = result
        count = result.rowCount
    }

    /// How many rows a statement that writes has touched.
    package var affected: Int { result.affectedCount }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(position: Int) -> Row {
        precondition((0..<count).contains(position), "row \(position) of \(count)")
        return Row(result: result, index: position)
    }
}

/// One row; columns are read by position and type.
package struct Row: Sendable {
    fileprivate let result: LibpqResult
    fileprivate let index: Int

    init(result: LibpqResult, index: Int) {
        self.result = result
        self.index = index
    }

    private func value<Value>(
        _ column: Int, _ expected: String, _ read: (UnsafeRawBufferPointer) -> Value?
    ) throws(PostgresError) -> Value? {
        guard let found = result.withValue(row: index, column: column, read) else { return nil }
        guard let value = found else { throw .decoding(column: result.columnName(column), expected: expected) }
        return value
    }

    private func required<Value>(_ column: Int, _ expected: String, _ value: Value?) throws(PostgresError) -> Value {
        guard let value else { throw .decoding(column: result.columnName(column), expected: "\(expected) but NULL") }
        return value
    }

    package func isNull(_ column: Int) -> Bool {
        result.withValue(row: index, column: column) { _ in true } == nil
    }

    package func optionalInt8(_ column: Int) throws(PostgresError) -> Int64? {
        try value(column, "an integer") { bytes in
            switch bytes.count {
            case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 2: Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            default: nil
            }
        }
    }

    package func int8(_ column: Int) throws(PostgresError) -> Int64 {
        try required(column, "an integer", try optionalInt8(column))
    }

    package func int4(_ column: Int) throws(PostgresError) -> Int32 {
        guard let value = Int32(exactly: try int8(column)) else {
            throw .decoding(column: result.columnName(column), expected: "an integer of 32 bits")
        }
        return value
    }

    package func bool(_ column: Int) throws(PostgresError) -> Bool {
        try required(column, "a boolean", try value(column, "a boolean") { $0.count == 1 ? $0[0] != 0 : nil })
    }

    package func double(_ column: Int) throws(PostgresError) -> Double {
        try required(
            column, "a float8",
            try value(column, "a float8") { bytes in
                bytes.count == 8 ? Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))) : nil
            })
    }

    package func optionalText(_ column: Int) throws(PostgresError) -> String? {
        try value(column, "a text") { String(decoding: $0, as: UTF8.self) }
    }

    package func text(_ column: Int) throws(PostgresError) -> String {
        try required(column, "a text", try optionalText(column))
    }

    /// A text that is the raw value of a type's case.
    package func rawValue<Value: RawRepresentable<String>>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let value = Value(rawValue: try text(column)) else {
            throw .decoding(column: result.columnName(column), expected: "one of the known values")
        }
        return value
    }

    package func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try value(column, "a bytea") { Array($0) }
    }

    package func bytes(_ column: Int) throws(PostgresError) -> [UInt8] {
        try required(column, "a bytea", try optionalBytes(column))
    }

    /// The text of a `jsonb`.
    package func json(_ column: Int) throws(PostgresError) -> [UInt8] {
        try required(
            column, "a jsonb", try value(column, "a jsonb") { $0.first == 1 ? Array($0.dropFirst()) : nil })
    }

    package func optionalUUID(_ column: Int) throws(PostgresError) -> UUID? {
        try value(column, "a uuid") { bytes in
            guard bytes.count == 16 else { return nil }
            return UUID(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    package func uuid(_ column: Int) throws(PostgresError) -> UUID {
        try required(column, "a uuid", try optionalUUID(column))
    }

    package func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? {
        try value(column, "a timestamptz") { bytes in
            guard bytes.count == 8 else { return nil }
            return Timestamp(postgresMicroseconds: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)))
        }
    }

    package func timestamp(_ column: Int) throws(PostgresError) -> Timestamp {
        try required(column, "a timestamptz", try optionalTimestamp(column))
    }
}

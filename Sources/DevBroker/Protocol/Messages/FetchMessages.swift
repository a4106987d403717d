/// Asks for records, and waits for them if there are none.
struct FetchRequest: WireReadable {
    struct Topic: WireReadable {
        var name: String
        var partitions: [Partition]

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            name = try reader.string()
            partitions = try reader.array(version: version)
        }
    }

    struct Partition: WireReadable {
        var number: Int32
        var offset: Int64
        var maximumBytes: Int32

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            number = try reader.integer()
            if version >= 9 { _ = try reader.integer(Int32.self) }
            offset = try reader.integer()
            if version >= 5 { _ = try reader.integer(Int64.self) }
            maximumBytes = try reader.integer()
        }
    }

    /// Partitions a session is to forget; this broker keeps no sessions.
    private struct Forgotten: WireReadable {
        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            _ = try reader.string()
            _ = try reader.array(of: Int32.self, version: version)
        }
    }

    /// Milliseconds to wait for ``minimumBytes``.
    var maximumWait: Int32
    var minimumBytes: Int32
    var maximumBytes: Int32
    var sessionID: Int32 = 0
    var topics: [Topic]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        _ = try reader.integer(Int32.self)
        maximumWait = try reader.integer()
        minimumBytes = try reader.integer()
        maximumBytes = try reader.integer()
        _ = try reader.integer(Int8.self)
        if version >= 7 {
            sessionID = try reader.integer()
            _ = try reader.integer(Int32.self)
        }
        topics = try reader.array(version: version)
        if version >= 7 { _ = try reader.array(of: Forgotten.self, version: version) }
        if version >= 11 { _ = try reader.string() }
    }
}

struct FetchResponse: WireWritable {
    struct Topic: WireWritable {
        var name: String
        var partitions: [Partition]

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.string(name)
            writer.array(partitions, version: version)
        }
    }

    struct Partition: WireWritable {
        var number: Int32
        var error: ErrorCode
        var end: Int64 = -1
        var logStart: Int64 = -1
        /// Whole batches, as they were received.
        var batches: ArraySlice<RecordBatch> = []

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.integer(number)
            writer.error(error)
            writer.integer(end)
            writer.integer(end)
            if version >= 5 { writer.integer(logStart) }
            // No transaction was ever aborted.
            writer.integer(Int32(-1))
            if version >= 11 { writer.integer(Int32(-1)) }
            writer.integer(Int32(clamping: batches.reduce(0) { $0 + $1.bytes.count }))
            for batch in batches { writer.raw(batch.bytes) }
        }
    }

    var error = ErrorCode.none
    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        writer.integer(Int32(0))
        if version >= 7 {
            writer.error(error)
            // No session: the client names all its partitions each time.
            writer.integer(Int32(0))
        }
        writer.array(topics, version: version)
    }
}

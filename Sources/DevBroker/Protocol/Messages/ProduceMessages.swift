/// Records to be written.
struct ProduceRequest: WireReadable {
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
        var records: [UInt8]?

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            number = try reader.integer()
            records = try reader.nullableByteString()
        }
    }

    var transactionalID: String?
    /// 0 wants no answer at all; 1 and -1 are the same with one broker.
    var acks: Int16
    var topics: [Topic]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        transactionalID = try reader.nullableString()
        acks = try reader.integer()
        _ = try reader.integer(Int32.self)
        topics = try reader.array(version: version)
    }
}

struct ProduceResponse: WireWritable {
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
        /// Where the first record lies; -1 with an error.
        var baseOffset: Int64 = -1
        var logStart: Int64 = -1

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.integer(number)
            writer.error(error)
            writer.integer(baseOffset)
            // The records keep the time that their producer gave them.
            writer.integer(Int64(-1))
            if version >= 5 { writer.integer(logStart) }
        }
    }

    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        writer.array(topics, version: version)
        writer.integer(Int32(0))
    }
}

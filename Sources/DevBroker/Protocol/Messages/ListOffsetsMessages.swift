/// Asks where a partition begins, ends, or reaches a time.
struct ListOffsetsRequest: WireReadable {
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
        var place: Place

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            number = try reader.integer()
            if version >= 4 { _ = try reader.integer(Int32.self) }
            switch try reader.integer(Int64.self) {
            case -2: place = .earliest
            case -1: place = .latest
            case let timestamp: place = .time(timestamp)
            }
        }
    }

    enum Place: Hashable {
        case earliest
        case latest
        /// The first record of that time, in milliseconds since 1970, or later.
        case time(Int64)
    }

    var topics: [Topic]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        _ = try reader.integer(Int32.self)
        if version >= 2 { _ = try reader.integer(Int8.self) }
        topics = try reader.array(version: version)
    }
}

struct ListOffsetsResponse: WireWritable {
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
        var error = ErrorCode.none
        var timestamp: Int64 = -1
        var offset: Int64 = -1

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.integer(number)
            writer.error(error)
            writer.integer(timestamp)
            writer.integer(offset)
            if version >= 4 { writer.integer(offset < 0 ? -1 : PartitionLog.leaderEpoch) }
        }
    }

    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 2 { writer.integer(Int32(0)) }
        writer.array(topics, version: version)
    }
}

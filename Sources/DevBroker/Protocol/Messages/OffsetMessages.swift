/// Puts on record how far a group has come.
struct OffsetCommitRequest: WireReadable {
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
        var committed: CommittedOffset

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            number = try reader.integer()
            let offset = try reader.integer(Int64.self)
            let epoch = try version >= 6 ? reader.integer(Int32.self) : -1
            committed = try CommittedOffset(offset: offset, leaderEpoch: epoch, metadata: reader.nullableString())
        }
    }

    var group: String
    /// Negative from a client that is no member.
    var generation: Int32
    var identity: MemberIdentity
    var topics: [Topic]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        generation = try reader.integer()
        let member = try reader.string()
        if version <= 4 { _ = try reader.integer(Int64.self) }
        identity = try MemberIdentity(id: member, instance: version >= 7 ? reader.nullableString() : nil)
        topics = try reader.array(version: version)
    }
}

struct OffsetCommitResponse: WireWritable {
    struct Topic: WireWritable {
        var name: String
        var partitions: [(number: Int32, error: ErrorCode)]

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.string(name)
            writer.integer(Int32(partitions.count))
            for partition in partitions {
                writer.integer(partition.number)
                writer.error(partition.error)
            }
        }
    }

    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 3 { writer.integer(Int32(0)) }
        writer.array(topics, version: version)
    }
}

/// Asks how far a group has come.
struct OffsetFetchRequest: WireReadable {
    struct Topic: WireReadable {
        var name: String
        var partitions: [Int32]

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            name = try reader.string()
            partitions = try reader.array(version: version)
        }
    }

    var group: String
    /// Nil asks for all that the group has on record.
    var topics: [Topic]?

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        topics = try reader.nullableArray(version: version)
    }
}

struct OffsetFetchResponse: WireWritable {
    struct Topic: WireWritable {
        var name: String
        var partitions: [(number: Int32, committed: CommittedOffset?)]

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.string(name)
            writer.integer(Int32(partitions.count))
            for partition in partitions {
                writer.integer(partition.number)
                writer.integer(partition.committed?.offset ?? -1)
                if version >= 5 { writer.integer(partition.committed?.leaderEpoch ?? -1) }
                writer.nullableString(partition.committed.map { $0.metadata ?? "" } ?? "")
                writer.error(.none)
            }
        }
    }

    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 3 { writer.integer(Int32(0)) }
        writer.array(topics, version: version)
        if version >= 2 { writer.error(.none) }
    }
}

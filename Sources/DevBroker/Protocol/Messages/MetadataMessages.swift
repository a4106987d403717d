/// Asks which topics and brokers there are.
struct MetadataRequest: WireReadable {
    /// Nil asks for all of them.
    var topics: [String]?
    var allowsCreation = true

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        topics = try reader.nullableArray(version: version)
        if version == 0, topics?.isEmpty == true { topics = nil }
        if version >= 4 { allowsCreation = try reader.boolean() }
        if version >= 8 {
            // Which operations the client may do: there is no authorization.
            _ = try reader.boolean()
            _ = try reader.boolean()
        }
    }
}

struct MetadataResponse: WireWritable {
    struct Topic: WireWritable {
        var error = ErrorCode.none
        var name: String
        var partitionCount: Int32

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.error(error)
            writer.string(name)
            if version >= 1 { writer.boolean(false) }
            writer.array((0..<partitionCount).map(Partition.init), version: version)
            if version >= 8 { writer.integer(unknownOperations) }
        }
    }

    /// A partition, which the one broker leads.
    struct Partition: WireWritable {
        var number: Int32

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.error(.none)
            writer.integer(number)
            writer.integer(BrokerNode.id)
            if version >= 7 { writer.integer(PartitionLog.leaderEpoch) }
            writer.array([BrokerNode.id], version: version)
            writer.array([BrokerNode.id], version: version)
            if version >= 5 { writer.array([Int32](), version: version) }
        }
    }

    var node: BrokerNode
    var topics: [Topic]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 3 { writer.integer(Int32(0)) }
        writer.array([node], version: version)
        if version >= 2 { writer.nullableString("holdfast-dev-broker") }
        if version >= 1 { writer.integer(BrokerNode.id) }
        writer.array(topics, version: version)
        if version >= 8 { writer.integer(unknownOperations) }
    }
}

/// The one broker, as clients are to reach it.
struct BrokerNode: WireWritable, Hashable, Sendable {
    static let id: Int32 = 1

    var host: String
    var port: Int32

    func write(to writer: inout ByteWriter, version: Int16) {
        writer.integer(Self.id)
        writer.string(host)
        writer.integer(port)
        if version >= 1 { writer.nullableString(nil) }
    }
}

/// Says that permissions were not asked for.
let unknownOperations = Int32.min

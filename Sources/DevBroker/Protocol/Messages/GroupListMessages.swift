/// Asks which broker looks after a group: always the one there is.
struct FindCoordinatorRequest: WireReadable {
    var key: String
    /// Of a group, or of a transaction, which this broker does not do.
    var isGroup: Bool

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        key = try reader.string()
        isGroup = try version >= 1 ? reader.integer(Int8.self) == 0 : true
    }
}

struct FindCoordinatorResponse: WireWritable {
    var error: ErrorCode
    var message: String?
    var node: BrokerNode

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.error(error)
        if version >= 1 { writer.nullableString(message) }
        // Without the rack of a broker in the metadata.
        node.write(to: &writer, version: 0)
    }
}

struct DescribeGroupsRequest: WireReadable {
    var groups: [String]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        groups = try reader.array(version: version)
        if version >= 3 { _ = try reader.boolean() }
    }
}

struct DescribeGroupsResponse: WireWritable {
    struct Member: WireWritable {
        var identity: MemberIdentity
        var clientID: String
        var metadata: [UInt8]
        var assignment: [UInt8]

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.string(identity.id)
            if version >= 4 { writer.nullableString(identity.instance) }
            writer.string(clientID)
            writer.string("/127.0.0.1")
            writer.byteString(metadata)
            writer.byteString(assignment)
        }
    }

    struct Group: WireWritable {
        var name: String
        var state: String
        var protocolType = ""
        var protocolName = ""
        var members: [Member] = []

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.error(.none)
            writer.string(name)
            writer.string(state)
            writer.string(protocolType)
            writer.string(protocolName)
            writer.array(members, version: version)
            if version >= 3 { writer.integer(unknownOperations) }
        }
    }

    var groups: [Group]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.array(groups, version: version)
    }
}

struct ListGroupsResponse: WireWritable {
    var groups: [(name: String, protocolType: String)]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.error(.none)
        writer.integer(Int32(groups.count))
        for group in groups {
            writer.string(group.name)
            writer.string(group.protocolType)
        }
    }
}

/// A request without content.
struct EmptyRequest: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {}
}

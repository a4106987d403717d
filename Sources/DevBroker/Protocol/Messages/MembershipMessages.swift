/// Joins a group, or joins it again for a rebalance.
struct JoinGroupRequest: WireReadable {
    var group: String
    /// Milliseconds.
    var sessionTimeout: Int32
    var rebalanceTimeout: Int32
    var identity: MemberIdentity
    var protocolType: String
    var protocols: [MemberProtocol]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        sessionTimeout = try reader.integer()
        rebalanceTimeout = try version >= 1 ? reader.integer() : sessionTimeout
        let member = try reader.string()
        identity = try MemberIdentity(id: member, instance: version >= 5 ? reader.nullableString() : nil)
        protocolType = try reader.string()
        protocols = try reader.array(version: version)
    }
}

struct JoinGroupResponse: WireWritable, Equatable {
    struct Member: WireWritable, Equatable {
        var identity: MemberIdentity
        var metadata: [UInt8]

        func write(to writer: inout ByteWriter, version: Int16) {
            writer.string(identity.id)
            if version >= 5 { writer.nullableString(identity.instance) }
            writer.byteString(metadata)
        }
    }

    var error = ErrorCode.none
    var generation: Int32 = -1
    var protocolName = ""
    var leader = ""
    var member: String
    /// For the leader, who assigns the partitions.
    var members: [Member] = []

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 2 { writer.integer(Int32(0)) }
        writer.error(error)
        writer.integer(generation)
        writer.string(protocolName)
        writer.string(leader)
        writer.string(member)
        writer.array(members, version: version)
    }
}

/// Fetches a member's assignment; the leader brings everyone's.
struct SyncGroupRequest: WireReadable {
    struct Assignment: WireReadable {
        var member: String
        var content: [UInt8]

        init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
            member = try reader.string()
            content = try reader.byteString()
        }
    }

    var group: String
    var generation: Int32
    var identity: MemberIdentity
    var assignments: [Assignment]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        generation = try reader.integer()
        let member = try reader.string()
        identity = try MemberIdentity(id: member, instance: version >= 3 ? reader.nullableString() : nil)
        assignments = try reader.array(version: version)
    }
}

struct SyncGroupResponse: WireWritable, Equatable {
    var error = ErrorCode.none
    var assignment: [UInt8] = []

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.error(error)
        writer.byteString(assignment)
    }
}

/// Says that a member is alive.
struct HeartbeatRequest: WireReadable {
    var group: String
    var generation: Int32
    var identity: MemberIdentity

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        generation = try reader.integer()
        let member = try reader.string()
        identity = try MemberIdentity(id: member, instance: version >= 3 ? reader.nullableString() : nil)
    }
}

struct HeartbeatResponse: WireWritable {
    var error: ErrorCode

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        writer.error(error)
    }
}

/// Takes members out of their group.
struct LeaveGroupRequest: WireReadable {
    var group: String
    var members: [MemberIdentity]

    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        group = try reader.string()
        members =
            try version >= 3
            ? reader.array(version: version) : [MemberIdentity(id: reader.string(), instance: nil)]
    }
}

struct LeaveGroupResponse: WireWritable {
    /// Before version 3 there is one member, and its error is the request's.
    var members: [(identity: MemberIdentity, error: ErrorCode)]

    func write(to writer: inout ByteWriter, version: Int16) {
        if version >= 1 { writer.integer(Int32(0)) }
        guard version >= 3 else { return writer.error(members.first?.error ?? .none) }
        writer.error(.none)
        writer.integer(Int32(members.count))
        for member in members {
            writer.string(member.identity.id)
            writer.nullableString(member.identity.instance)
            writer.error(member.error)
        }
    }
}

extension MemberIdentity: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        id = try reader.string()
        instance = try reader.nullableString()
    }
}

extension MemberProtocol: WireReadable {
    init(from reader: inout ByteReader, version: Int16) throws(MalformedRequest) {
        name = try reader.string()
        metadata = try reader.byteString()
    }
}

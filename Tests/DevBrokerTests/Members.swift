import Clocks

@testable import DevBroker

/// What members of a group send and are told.
extension Bench {
    struct Joined: Equatable {
        var error: Int16
        var generation: Int32
        var leader: String
        var member: String
        var members: [String]

        var isLeader: Bool { leader == member }
    }

    mutating func join(
        _ group: String = "g", _ member: String = "", instance: String? = nil, from connection: ConnectionKey,
        session: Int32 = 6000, rebalance: Int32 = 10_000, protocols: [String] = ["range"], metadata: [UInt8] = [1],
        version: Int16 = 5
    ) {
        send(.joinGroup, version, from: connection) { writer in
            writer.string(group)
            writer.integer(session)
            if version >= 1 { writer.integer(rebalance) }
            writer.string(member)
            if version >= 5 { writer.nullableString(instance) }
            writer.string("consumer")
            writer.integer(Int32(protocols.count))
            for name in protocols {
                writer.string(name)
                writer.byteString(metadata)
            }
        }
    }

    /// The answer to ``join``; nil while the group is not complete.
    mutating func joined(_ connection: ConnectionKey) throws -> Joined? {
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4)
        let error = try reader.integer(Int16.self)
        let generation = try reader.integer(Int32.self)
        _ = try reader.string()
        let leader = try reader.string()
        let member = try reader.string()
        var members: [String] = []
        for _ in 0..<(try reader.integer(Int32.self)) {
            members.append(try reader.string())
            _ = try reader.nullableString()
            _ = try reader.byteString()
        }
        return Joined(error: error, generation: generation, leader: leader, member: member, members: members)
    }

    /// Joins as a member without a name, who is given one first.
    ///
    /// - Returns: the name; the join itself is under way.
    mutating func joinNew(_ group: String = "g", from connection: ConnectionKey, session: Int32 = 6000) throws -> String
    {
        join(group, from: connection, session: session)
        guard let answer = try joined(connection) else { return "" }
        join(group, answer.member, from: connection, session: session)
        return answer.member
    }

    mutating func sync(
        _ group: String, _ member: String, _ generation: Int32, from connection: ConnectionKey,
        assignments: [String: [UInt8]] = [:], instance: String? = nil
    ) {
        send(.syncGroup, 3, from: connection) { writer in
            writer.string(group)
            writer.integer(generation)
            writer.string(member)
            writer.nullableString(instance)
            writer.integer(Int32(assignments.count))
            for (name, content) in assignments {
                writer.string(name)
                writer.byteString(content)
            }
        }
    }

    /// The answer to ``sync``; nil while the leader has not assigned.
    mutating func synced(_ connection: ConnectionKey) throws -> (error: Int16, assignment: [UInt8])? {
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4)
        return (try reader.integer(), try reader.byteString())
    }

    mutating func heartbeat(
        _ group: String, _ member: String, _ generation: Int32, from connection: ConnectionKey
    ) throws -> Int16? {
        send(.heartbeat, 3, from: connection) {
            $0.string(group)
            $0.integer(generation)
            $0.string(member)
            $0.nullableString(nil)
        }
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4)
        return try reader.integer()
    }

    mutating func leave(_ group: String, _ member: String, from connection: ConnectionKey) throws -> Int16? {
        send(.leaveGroup, 1, from: connection) {
            $0.string(group)
            $0.string(member)
        }
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4)
        return try reader.integer()
    }

    mutating func commit(
        _ group: String = "g", _ member: String = "", _ generation: Int32 = -1, offset: Int64, partition: Int32 = 0,
        from connection: ConnectionKey
    ) throws -> Int16? {
        send(.offsetCommit, 7, from: connection) {
            $0.string(group)
            $0.integer(generation)
            $0.string(member)
            $0.nullableString(nil)
            $0.integer(Int32(1))
            $0.string("t")
            $0.integer(Int32(1))
            $0.integer(partition)
            $0.integer(offset)
            $0.integer(Int32(-1))
            $0.nullableString("note")
        }
        guard var reader = receive(connection) else { return nil }
        _ = try reader.skip(4 + 4 + 3 + 4 + 4)
        return try reader.integer()
    }

    mutating func committed(_ group: String = "g", from connection: ConnectionKey) throws -> [Int64] {
        send(.offsetFetch, 5, from: connection) {
            $0.string(group)
            $0.integer(Int32(1))
            $0.string("t")
            $0.integer(Int32(2))
            $0.integer(Int32(0))
            $0.integer(Int32(1))
        }
        guard var reader = receive(connection) else { return [] }
        _ = try reader.skip(4 + 4 + 3 + 4)
        return try (0..<2).map { _ in
            _ = try reader.skip(4)
            let offset = try reader.integer(Int64.self)
            _ = try reader.skip(4)
            _ = try reader.nullableString()
            _ = try reader.skip(2)
            return offset
        }
    }
}

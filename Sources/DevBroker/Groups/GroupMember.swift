import Clocks

/// How a member names itself.
struct MemberIdentity: Hashable, Sendable {
    /// Given by the broker; empty from one that has none yet.
    var id: String
    /// Its own, for a member that keeps its partitions over a restart.
    var instance: String?
}

/// A way of assigning partitions that a member can go by, with what its leader needs to know.
struct MemberProtocol: Hashable, Sendable {
    var name: String
    var metadata: [UInt8]
}

/// How far a group has come in a partition.
struct CommittedOffset: Hashable, Sendable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String?
}

/// A member of a group.
struct GroupMember {
    var identity: MemberIdentity
    var clientID: String
    var sessionTimeout: Duration
    var rebalanceTimeout: Duration
    var protocols: [MemberProtocol]
    var assignment: [UInt8] = []
    /// Its join that waits for the others.
    var joining: ReplyAddress?
    /// Its wait for the leader's assignment.
    var syncing: ReplyAddress?
    /// When it counts as gone, unless it is heard of; does not run while the broker owes it an answer.
    var expiry: MonotonicInstant

    var isWaiting: Bool { joining != nil || syncing != nil }

    func metadata(of name: String) -> [UInt8] { protocols.first { $0.name == name }?.metadata ?? [] }

    mutating func heard(now: MonotonicInstant) { expiry = now.advanced(by: sessionTimeout) }
}

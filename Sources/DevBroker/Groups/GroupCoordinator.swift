import Clocks

/// All groups and what they have on record.
struct GroupCoordinator {
    /// How many groups there may be; one that nobody is in and that has nothing on record does not count.
    static let maximumGroups = 10_000

    private let timing: GroupTiming
    private var groups: [String: Group] = [:]
    private var offsets: [String: [TopicPartition: CommittedOffset]] = [:]
    private var memberCount: UInt64 = 0
    /// Begins the names of members, so that none is given again by a broker that runs after this one.
    private let run: String

    init(timing: GroupTiming, run: String) {
        self.timing = timing
        self.run = run
    }

    mutating func join(
        _ request: JoinGroupRequest, clientID: String, from address: ReplyAddress, now: MonotonicInstant
    ) -> [Group.Answer] {
        func refused(_ error: ErrorCode) -> [Group.Answer] {
            [.join(address, JoinGroupResponse(error: error, member: request.identity.id))]
        }
        guard !request.group.isEmpty else { return refused(.invalidGroupID) }
        if groups[request.group] == nil {
            guard request.identity.id.isEmpty else { return refused(.unknownMemberID) }
            guard groups.count < Self.maximumGroups else { return refused(.coordinatorNotAvailable) }
        }
        memberCount += 1
        let newID = "\(clientID)-\(run)-\(memberCount)"
        groups[request.group, default: Group(timing: timing)]
            .join(request, newID: newID, clientID: clientID, from: address, now: now)
        return finish(request.group)
    }

    mutating func sync(_ request: SyncGroupRequest, from address: ReplyAddress, now: MonotonicInstant) -> [Group.Answer]
    {
        guard groups[request.group] != nil else {
            return [.sync(address, SyncGroupResponse(error: .unknownMemberID))]
        }
        groups[request.group]?.sync(request, from: address, now: now)
        return finish(request.group)
    }

    mutating func heartbeat(_ request: HeartbeatRequest, now: MonotonicInstant) -> ErrorCode {
        groups[request.group]?.heartbeat(request, now: now) ?? .unknownMemberID
    }

    mutating func leave(
        _ request: LeaveGroupRequest, now: MonotonicInstant
    ) -> (LeaveGroupResponse, [Group.Answer]) {
        let members = request.members.map {
            ($0, groups[request.group]?.leave($0, now: now) ?? .unknownMemberID)
        }
        return (LeaveGroupResponse(members: members), finish(request.group))
    }

    /// Puts offsets on record.
    mutating func commit(_ request: OffsetCommitRequest, now: MonotonicInstant) -> ErrorCode {
        guard !request.group.isEmpty else { return .invalidGroupID }
        let error: ErrorCode
        if groups[request.group] != nil {
            error =
                groups[request.group]?.mayCommit(request.identity, generation: request.generation, now: now)
                ?? .illegalGeneration
        } else {
            error = request.generation < 0 ? .none : .illegalGeneration
        }
        guard error == .none else { return error }
        for topic in request.topics {
            for partition in topic.partitions {
                let place = TopicPartition(topic: topic.name, number: partition.number)
                offsets[request.group, default: [:]][place] = partition.committed
            }
        }
        return .none
    }

    func committed(_ group: String) -> [TopicPartition: CommittedOffset] { offsets[group] ?? [:] }

    /// A topic is gone, and with it what groups had read of it.
    mutating func forget(topic: String) {
        for group in offsets.keys { offsets[group] = offsets[group]?.filter { $0.key.topic != topic } }
    }

    var list: [(name: String, protocolType: String)] {
        Set(groups.keys).union(offsets.keys).sorted().map { ($0, groups[$0]?.protocolType ?? "") }
    }

    func describe(_ name: String) -> DescribeGroupsResponse.Group {
        guard let group = groups[name] else {
            return DescribeGroupsResponse.Group(name: name, state: offsets[name] == nil ? "Dead" : "Empty")
        }
        let state =
            switch group.state {
            case .empty: "Empty"
            case .preparing: "PreparingRebalance"
            case .completing: "CompletingRebalance"
            case .stable: "Stable"
            }
        return DescribeGroupsResponse.Group(
            name: name, state: state, protocolType: group.protocolType, protocolName: group.protocolName,
            members: group.members.map {
                DescribeGroupsResponse.Member(
                    identity: $0.identity, clientID: $0.clientID, metadata: $0.metadata(of: group.protocolName),
                    assignment: $0.assignment)
            })
    }

    /// When ``tick(now:)`` has something to do.
    var deadline: MonotonicInstant? { groups.values.lazy.compactMap(\.deadline).min() }

    mutating func tick(now: MonotonicInstant) -> [Group.Answer] {
        let due = groups.filter { $0.value.deadline.map { $0 <= now } ?? false }.keys
        var answers: [Group.Answer] = []
        for name in due {
            groups[name]?.tick(now: now)
            answers += finish(name)
        }
        return answers
    }

    private mutating func finish(_ name: String) -> [Group.Answer] {
        let answers = groups[name]?.takeAnswers() ?? []
        if groups[name]?.isUnused == true { groups[name] = nil }
        return answers
    }
}

/// A partition, by its topic's name.
struct TopicPartition: Hashable, Sendable {
    var topic: String
    var number: Int32
}

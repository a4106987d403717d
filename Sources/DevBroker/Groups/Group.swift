import Clocks

/// A group of consumers that share partitions, as its coordinator sees it: who is in it, and how far a rebalance is.
///
/// Pure: requests and `now` go in, answers come out, at once or later, each to the address it is owed to. The members
/// assign the partitions themselves; the group only makes sure that all of them agree on one generation.
struct Group {
    enum State: Equatable {
        /// Nobody is in it; offsets may be on record. To `preparing` by a first member.
        case empty
        /// Members are to join (again). To `completing` when all have, or without those that have not by `until`; to
        /// `empty` when nobody is left. A first rebalance waits for further members until `until`.
        case preparing(until: MonotonicInstant, isFirst: Bool)
        /// The leader assigns. To `stable` by its assignment, to `preparing` by a member that comes, goes, or has not
        /// asked for its assignment by `until`.
        case completing(until: MonotonicInstant)
        /// Everyone has its partitions. To `preparing` by a member that comes or goes.
        case stable
    }

    enum Answer: Equatable {
        case join(ReplyAddress, JoinGroupResponse)
        case sync(ReplyAddress, SyncGroupResponse)
    }

    let timing: GroupTiming
    private(set) var state = State.empty
    private(set) var generation: Int32 = 0
    private(set) var protocolType = ""
    private(set) var protocolName = ""
    private(set) var leader = ""
    /// In the order in which they came, which makes the first the leader.
    private(set) var members: [GroupMember] = []
    /// Names given to members that have still to join with them, and until when.
    private var invited: [String: MonotonicInstant] = [:]
    private var firstRebalanceBegan = MonotonicInstant(nanoseconds: 0)
    /// What is to be sent; taken by whoever called.
    private var answers: [Answer] = []

    init(timing: GroupTiming) {
        self.timing = timing
    }

    /// Whether nothing of it is worth keeping.
    var isUnused: Bool { members.isEmpty && invited.isEmpty }

    mutating func takeAnswers() -> [Answer] {
        defer { answers.removeAll() }
        return answers
    }

    // MARK: Requests

    /// Takes a member's join; its answer comes when the group is complete, or at once when it is refused.
    ///
    /// - Parameter newID: the name of a member that has none.
    mutating func join(
        _ request: JoinGroupRequest, newID: String, clientID: String, from address: ReplyAddress, now: MonotonicInstant
    ) {
        if let error = refusal(of: request) { return refuse(address, error, request.identity.id) }
        var identity = request.identity
        let place = members.firstIndex { $0.identity.id == identity.id }
        if let instance = identity.instance, let known = members.firstIndex(where: { $0.identity.instance == instance })
        {
            if identity.id.isEmpty { return rejoin(known, as: newID, request, from: address, now: now) }
            guard known == place else { return refuse(address, .fencedInstanceID, identity.id) }
        }
        if identity.id.isEmpty {
            identity.id = newID
            if address.version >= 4, identity.instance == nil {
                invited[newID] = now.advanced(by: .milliseconds(Int64(request.sessionTimeout)))
                return refuse(address, .memberIDRequired, newID)
            }
        } else if place == nil, invited.removeValue(forKey: identity.id) == nil {
            return refuse(address, .unknownMemberID, identity.id)
        }
        let isNew = place == nil
        let isChanged = place.map { members[$0].protocols != request.protocols } ?? true
        let member = place ?? members.count
        if isNew {
            if members.isEmpty { protocolType = request.protocolType }
            members.append(
                GroupMember(
                    identity: identity, clientID: clientID, sessionTimeout: .zero, rebalanceTimeout: .zero,
                    protocols: [], expiry: now))
        }
        update(member, request, now: now)
        switch state {
        case .empty:
            firstRebalanceBegan = now
            state = .preparing(until: now.advanced(by: timing.firstRebalanceDelay), isFirst: true)
            members[member].joining = address
        case .preparing(_, let isFirst):
            if let earlier = members[member].joining { refuse(earlier, .rebalanceInProgress, identity.id) }
            members[member].joining = address
            if isFirst, isNew {
                let latest = firstRebalanceBegan.advanced(by: timing.longestFirstRebalance)
                state = .preparing(
                    until: min(latest, now.advanced(by: timing.firstRebalanceDelay)), isFirst: true)
            }
            completeIfAllJoined(now: now)
        case .completing where !isNew && !isChanged:
            answerJoin(member, at: address)
        case .stable where !isNew && !isChanged && identity.id != leader:
            answerJoin(member, at: address)
        case .completing, .stable:
            prepare(now: now)
            members[member].joining = address
            completeIfAllJoined(now: now)
        }
    }

    /// Takes a member's wish for its assignment, and everyone's from the leader.
    mutating func sync(_ request: SyncGroupRequest, from address: ReplyAddress, now: MonotonicInstant) {
        func refuse(_ error: ErrorCode) { answers.append(.sync(address, SyncGroupResponse(error: error))) }
        let place: Int
        switch find(request.identity, generation: request.generation) {
        case .failure(let error): return refuse(error)
        case .success(let found): place = found
        }
        members[place].heard(now: now)
        switch state {
        case .empty: refuse(.unknownMemberID)
        case .preparing: refuse(.rebalanceInProgress)
        case .stable:
            answers.append(.sync(address, SyncGroupResponse(assignment: members[place].assignment)))
        case .completing:
            if let earlier = members[place].syncing {
                answers.append(.sync(earlier, SyncGroupResponse(error: .rebalanceInProgress)))
            }
            members[place].syncing = address
            guard members[place].identity.id == leader else { return }
            let byMember = Dictionary(
                request.assignments.map { ($0.member, $0.content) }, uniquingKeysWith: { first, _ in first })
            for index in members.indices { members[index].assignment = byMember[members[index].identity.id] ?? [] }
            state = .stable
            answerSyncs(now: now)
        }
    }

    /// Notes that a member is alive, and tells it when it has to join again.
    mutating func heartbeat(_ request: HeartbeatRequest, now: MonotonicInstant) -> ErrorCode {
        switch find(request.identity, generation: request.generation) {
        case .failure(let error): return error
        case .success(let place):
            members[place].heard(now: now)
            guard case .preparing = state else { return .none }
            return .rebalanceInProgress
        }
    }

    /// Takes a member out.
    mutating func leave(_ identity: MemberIdentity, now: MonotonicInstant) -> ErrorCode {
        if invited.removeValue(forKey: identity.id) != nil {
            completeIfAllJoined(now: now)
            return .none
        }
        let place = members.firstIndex { member in
            identity.id.isEmpty && identity.instance != nil
                ? member.identity.instance == identity.instance : member.identity.id == identity.id
        }
        guard let place else { return .unknownMemberID }
        if let instance = identity.instance, members[place].identity.instance != instance { return .fencedInstanceID }
        remove([place], now: now)
        return .none
    }

    /// Whether a commit is taken: from a member of this generation until its successor is being assigned, or from one
    /// that is no member while there are none.
    mutating func mayCommit(_ identity: MemberIdentity, generation: Int32, now: MonotonicInstant) -> ErrorCode {
        if generation < 0, identity.id.isEmpty {
            return members.isEmpty ? .none : .unknownMemberID
        }
        switch find(identity, generation: generation) {
        case .failure(let error): return error
        case .success(let place):
            if case .completing = state { return .rebalanceInProgress }
            members[place].heard(now: now)
            return .none
        }
    }

    // MARK: Time

    /// When ``tick(now:)`` has something to do.
    var deadline: MonotonicInstant? {
        var earliest = invited.values.min()
        for member in members where !member.isWaiting { earliest = min(earliest ?? member.expiry, member.expiry) }
        switch state {
        case .preparing(let until, _), .completing(let until): earliest = min(earliest ?? until, until)
        case .empty, .stable: break
        }
        return earliest
    }

    /// Lets go of members that are silent, and ends a phase that has lasted long enough.
    mutating func tick(now: MonotonicInstant) {
        let before = invited.count
        invited = invited.filter { $0.value > now }
        if invited.count < before { completeIfAllJoined(now: now) }
        let silent = members.indices.filter { !members[$0].isWaiting && members[$0].expiry <= now }
        if !silent.isEmpty { remove(silent, now: now) }
        switch state {
        case .preparing(let until, _) where until <= now:
            // A member with a name of its own keeps its place until its session is over.
            let missing = members.indices.filter { members[$0].joining == nil && members[$0].identity.instance == nil }
            removeQuietly(missing)
            complete(now: now)
        case .completing(let until) where until <= now:
            removeQuietly(members.indices.filter { members[$0].syncing == nil })
            if members.isEmpty { becomeEmpty() } else { prepare(now: now) }
        case .empty, .preparing, .completing, .stable: break
        }
    }

    // MARK: Steps

    private mutating func refuse(_ address: ReplyAddress, _ error: ErrorCode, _ member: String) {
        answers.append(.join(address, JoinGroupResponse(error: error, member: member)))
    }

    private mutating func update(_ place: Int, _ request: JoinGroupRequest, now: MonotonicInstant) {
        members[place].sessionTimeout = .milliseconds(Int64(request.sessionTimeout))
        members[place].rebalanceTimeout = .milliseconds(Int64(request.rebalanceTimeout))
        members[place].protocols = request.protocols
        members[place].heard(now: now)
    }

    /// A member with a name of its own is back: it takes the place of its earlier self, without a rebalance when the
    /// group is at rest and it wants the same as before.
    private mutating func rejoin(
        _ place: Int, as newID: String, _ request: JoinGroupRequest, from address: ReplyAddress, now: MonotonicInstant
    ) {
        let old = members[place]
        if let joining = old.joining { refuse(joining, .fencedInstanceID, old.identity.id) }
        if let syncing = old.syncing {
            answers.append(.sync(syncing, SyncGroupResponse(error: .fencedInstanceID)))
        }
        members[place].joining = nil
        members[place].syncing = nil
        members[place].identity.id = newID
        if leader == old.identity.id { leader = newID }
        update(place, request, now: now)
        switch state {
        case .stable where old.protocols == request.protocols:
            // It is told no members, or it would assign partitions as a leader to a group that is at rest.
            answers.append(
                .join(
                    address,
                    JoinGroupResponse(
                        generation: generation, protocolName: protocolName,
                        leader: leader == newID ? old.identity.id : leader, member: newID)))
        case .preparing:
            members[place].joining = address
            completeIfAllJoined(now: now)
        case .empty, .completing, .stable:
            prepare(now: now)
            members[place].joining = address
            completeIfAllJoined(now: now)
        }
    }

    private mutating func remove(_ places: [Int], now: MonotonicInstant) {
        removeQuietly(places)
        switch state {
        case .empty: break
        case .stable, .completing: if members.isEmpty { becomeEmpty() } else { prepare(now: now) }
        case .preparing: if members.isEmpty { becomeEmpty() } else { completeIfAllJoined(now: now) }
        }
    }

    private mutating func removeQuietly(_ places: [Int]) {
        for place in places.reversed() {
            let member = members.remove(at: place)
            if let joining = member.joining { refuse(joining, .unknownMemberID, member.identity.id) }
            if let syncing = member.syncing {
                answers.append(.sync(syncing, SyncGroupResponse(error: .unknownMemberID)))
            }
        }
    }

    private mutating func becomeEmpty() {
        state = .empty
        generation += 1
        leader = ""
        protocolName = ""
    }

    /// Calls the members together again.
    private mutating func prepare(now: MonotonicInstant) {
        for index in members.indices {
            guard let syncing = members[index].syncing else { continue }
            members[index].syncing = nil
            members[index].heard(now: now)
            answers.append(.sync(syncing, SyncGroupResponse(error: .rebalanceInProgress)))
        }
        let patience = members.map(\.rebalanceTimeout).max() ?? .zero
        state = .preparing(until: now.advanced(by: patience), isFirst: false)
    }

    private mutating func completeIfAllJoined(now: MonotonicInstant) {
        guard case .preparing(_, isFirst: false) = state, invited.isEmpty,
            members.allSatisfy({ $0.joining != nil })
        else { return }
        complete(now: now)
    }

    private mutating func complete(now: MonotonicInstant) {
        guard !members.isEmpty else { return becomeEmpty() }
        generation += 1
        protocolName = chosenProtocol()
        if !members.contains(where: { $0.identity.id == leader && $0.joining != nil }) {
            leader = (members.first { $0.joining != nil } ?? members[0]).identity.id
        }
        let patience = members.map(\.rebalanceTimeout).max() ?? .zero
        state = .completing(until: now.advanced(by: patience))
        for index in members.indices {
            guard let joining = members[index].joining else { continue }
            members[index].joining = nil
            members[index].heard(now: now)
            answerJoin(index, at: joining)
        }
    }

    private mutating func answerJoin(_ place: Int, at address: ReplyAddress) {
        let id = members[place].identity.id
        let everyone = members.map {
            JoinGroupResponse.Member(identity: $0.identity, metadata: $0.metadata(of: protocolName))
        }
        answers.append(
            .join(
                address,
                JoinGroupResponse(
                    generation: generation, protocolName: protocolName, leader: leader, member: id,
                    members: id == leader ? everyone : [])))
    }

    private mutating func answerSyncs(now: MonotonicInstant) {
        for index in members.indices {
            guard let syncing = members[index].syncing else { continue }
            members[index].syncing = nil
            members[index].heard(now: now)
            answers.append(.sync(syncing, SyncGroupResponse(assignment: members[index].assignment)))
        }
    }
}

/// What a group reads off its members; nothing here changes it.
extension Group {
    /// Why a join is refused whatever state the group is in.
    func refusal(of request: JoinGroupRequest) -> ErrorCode? {
        guard timing.sessionTimeouts.contains(request.sessionTimeout), request.rebalanceTimeout > 0 else {
            return .invalidSessionTimeout
        }
        guard !request.protocolType.isEmpty, !request.protocols.isEmpty else { return .inconsistentGroupProtocol }
        let others = members.filter { $0.identity.id != request.identity.id }
        guard !others.isEmpty else { return nil }
        let isShared = request.protocols.contains { candidate in
            others.allSatisfy { $0.protocols.contains { $0.name == candidate.name } }
        }
        return isShared && request.protocolType == protocolType ? nil : .inconsistentGroupProtocol
    }

    /// The place of a member of this generation, or why there is none.
    func find(_ identity: MemberIdentity, generation: Int32) -> Result<Int, ErrorCode> {
        if let instance = identity.instance,
            let known = members.first(where: { $0.identity.instance == instance }), known.identity.id != identity.id
        {
            return .failure(.fencedInstanceID)
        }
        guard let place = members.firstIndex(where: { $0.identity.id == identity.id }) else {
            return .failure(.unknownMemberID)
        }
        return generation == self.generation ? .success(place) : .failure(.illegalGeneration)
    }

    /// The protocol that all members know and most of them like best.
    func chosenProtocol() -> String {
        let common = members[0].protocols.map(\.name).filter { name in
            members.allSatisfy { $0.protocols.contains { $0.name == name } }
        }
        var votes: [String: Int] = [:]
        for member in members {
            if let vote = member.protocols.first(where: { common.contains($0.name) }) {
                votes[vote.name, default: 0] += 1
            }
        }
        let most = votes.values.max()
        return common.first { votes[$0] == most } ?? members[0].protocols.first?.name ?? ""
    }
}

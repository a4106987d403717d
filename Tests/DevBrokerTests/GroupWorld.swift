import Clocks
import TestSupport
import Testing

@testable import DevBroker

/// Consumers that behave as clients do, each with a mind of its own, and one group.
final class GroupWorld {
    private struct Member {
        enum Phase: Equatable {
            case outside, joining, syncing, inGroup
        }
        var connection: ConnectionKey
        var phase = Phase.outside
        var name = ""
        var generation: Int32 = -1
        /// Sends nothing any more, as a process that was stopped.
        var isSilent = false
        var assignment: [UInt8] = []
    }

    private let seed: UInt64
    private let random: SeededRandom
    private var bench = Bench()
    private var members: [Member] = []
    private var lastConnection: ConnectionKey = 0
    /// Who was told to be the leader of a generation.
    private var leaders: [Int32: String] = [:]

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        for _ in 0..<5 { members.append(newMember()) }
    }

    private func newMember() -> Member {
        lastConnection += 1
        return Member(connection: lastConnection)
    }

    /// Another process takes the place of a member.
    private func replace(_ index: Int) {
        bench.core.disconnected(members[index].connection)
        members[index] = newMember()
    }

    func run() throws {
        for _ in 0..<400 {
            let index = Int(random.next() % UInt64(members.count))
            switch random.next() % 20 {
            case 0: try leave(index)
            case 1: members[index].isSilent = true
            case 2, 3: bench.advance(by: .milliseconds(Int64(random.next() % 3000)))
            default: try step(index)
            }
            // A group that everyone has left begins anew.
            if bench.core.groups.list.isEmpty { leaders = [:] }
        }
        // Nobody stalls any more: the group has to come to rest.
        for index in members.indices where members[index].isSilent { replace(index) }
        for _ in 0..<100 {
            bench.advance(by: .milliseconds(300))
            for index in members.indices { try step(index) }
        }
        #expect(members.allSatisfy { $0.phase == .inGroup }, "seed \(seed): \(members)")
        #expect(Set(members.map(\.generation)).count == 1, "seed \(seed)")
        #expect(members.allSatisfy { $0.assignment == Array($0.name.utf8) }, "seed \(seed): each has its own")
    }

    private func step(_ index: Int) throws {
        guard !members[index].isSilent else { return }
        let connection = members[index].connection
        switch members[index].phase {
        case .outside:
            guard !bench.core.isBusy(connection) else { return }
            bench.join("g", members[index].name, from: connection)
            members[index].phase = .joining
        case .joining: try readJoin(index)
        case .syncing: try readSync(index)
        case .inGroup:
            let error = try #require(
                try bench.heartbeat("g", members[index].name, members[index].generation, from: connection))
            guard error != 0 else { return }
            if error != ErrorCode.rebalanceInProgress.rawValue { members[index].name = "" }
            members[index].phase = .outside
        }
    }

    private func readJoin(_ index: Int) throws {
        guard let answer = try bench.joined(members[index].connection) else { return }
        guard answer.error == 0 else {
            let isInvited = answer.error == ErrorCode.memberIDRequired.rawValue
            members[index].name = isInvited ? answer.member : ""
            members[index].phase = .outside
            return
        }
        let known = leaders.updateValue(answer.leader, forKey: answer.generation)
        #expect(known == nil || known == answer.leader, "seed \(seed): one leader a generation")
        members[index].generation = answer.generation
        members[index].phase = .syncing
        let assignments = Dictionary(uniqueKeysWithValues: answer.members.map { ($0, Array($0.utf8)) })
        bench.sync(
            "g", members[index].name, answer.generation, from: members[index].connection, assignments: assignments)
    }

    private func readSync(_ index: Int) throws {
        guard let answer = try bench.synced(members[index].connection) else { return }
        if answer.error == 0 {
            members[index].assignment = answer.assignment
            members[index].phase = .inGroup
        } else {
            if answer.error != ErrorCode.rebalanceInProgress.rawValue { members[index].name = "" }
            members[index].phase = .outside
        }
    }

    private func leave(_ index: Int) throws {
        guard members[index].phase == .inGroup, !members[index].isSilent else { return }
        _ = try bench.leave("g", members[index].name, from: members[index].connection)
        replace(index)
    }
}

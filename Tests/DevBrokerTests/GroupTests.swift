import Clocks
import TestSupport
import Testing

@testable import DevBroker

@Suite("Groups of consumers")
struct GroupTests {
    /// A group at rest with a member on each connection; the first leads.
    private func stable(_ count: Int, session: Int32 = 6000) throws -> (Bench, names: [String], generation: Int32) {
        var bench = Bench()
        var names: [String] = []
        for connection in 1...count {
            names.append(try bench.joinNew(from: ConnectionKey(connection), session: session))
        }
        bench.advance(by: .milliseconds(50))
        var generation: Int32 = 0
        for connection in 1...count {
            let answer = try #require(try bench.joined(ConnectionKey(connection)))
            #expect(answer.error == 0 && answer.leader == names[0])
            #expect(answer.members == (connection == 1 ? names : []))
            generation = answer.generation
        }
        for connection in (1...count).reversed() {
            let assignments = Dictionary(uniqueKeysWithValues: names.map { ($0, Array($0.utf8)) })
            bench.sync(
                "g", names[connection - 1], generation, from: ConnectionKey(connection),
                assignments: connection == 1 ? assignments : [:])
        }
        for connection in 1...count {
            let answer = try #require(try bench.synced(ConnectionKey(connection)))
            #expect(answer.error == 0 && answer.assignment == Array(names[connection - 1].utf8))
        }
        return (bench, names, generation)
    }

    @Test("a first member has its partitions after a twentieth of a second, and takes along who comes in that time")
    func first() throws {
        var bench = Bench()
        let first = try bench.joinNew(from: 1)
        bench.advance(by: .milliseconds(49))
        #expect(try bench.joined(1) == nil)
        let second = try bench.joinNew(from: 2)
        bench.advance(by: .milliseconds(49))
        #expect(try bench.joined(1) == nil, "who comes begins the wait anew")
        bench.advance(by: .milliseconds(1))
        #expect(try bench.joined(1)?.members == [first, second])
        #expect(try bench.joined(2)?.leader == first)
    }

    @Test("the first wait has a bound, however many come")
    func firstBound() throws {
        var bench = Bench()
        for connection in 1...20 {
            _ = try bench.joinNew(from: ConnectionKey(connection))
            bench.advance(by: .milliseconds(40))
            if bench.core.isBusy(1) == false { break }
        }
        #expect(bench.now <= MonotonicInstant(nanoseconds: 1_000_000_000).advanced(by: .milliseconds(560)))
    }

    @Test("a member that comes has all others join again, and the last to do so completes the generation")
    func comes() throws {
        var (bench, names, generation) = try stable(2)
        let third = try bench.joinNew(from: 3)
        #expect(try bench.joined(3) == nil)
        for (index, name) in names.enumerated() {
            let connection = ConnectionKey(index + 1)
            #expect(
                try bench.heartbeat("g", name, generation, from: connection) == ErrorCode.rebalanceInProgress.rawValue)
            #expect(
                try bench.commit("g", name, generation, offset: 4, from: connection) == 0, "the last commit is taken")
            bench.join("g", name, from: connection)
        }
        let answer = try #require(try bench.joined(1))
        #expect(answer.generation == generation + 1 && answer.members == names + [third])
        #expect(
            try bench.commit("g", names[1], generation + 1, offset: 5, from: 4)
                == ErrorCode.rebalanceInProgress.rawValue, "until it is assigned, nobody is a reader")
        _ = try bench.joined(2)
        bench.sync("g", names[1], generation + 1, from: 2)
        #expect(try bench.synced(2) == nil, "the leader has not assigned yet")
        bench.sync("g", names[0], generation + 1, from: 1, assignments: [names[1]: [9]])
        #expect(try bench.synced(2)?.assignment == [9])
        #expect(try bench.committed(from: 5) == [4, -1])
    }

    @Test("a member that leaves has the others join again; of an earlier generation nothing is taken")
    func leaves() throws {
        var (bench, names, generation) = try stable(2)
        #expect(try bench.leave("g", names[0], from: 1) == 0)
        #expect(try bench.leave("g", names[0], from: 1) == ErrorCode.unknownMemberID.rawValue)
        bench.join("g", names[1], from: 2)
        let answer = try #require(try bench.joined(2))
        #expect(answer.isLeader && answer.members == [names[1]])
        #expect(try bench.heartbeat("g", names[1], generation, from: 2) == ErrorCode.illegalGeneration.rawValue)
        #expect(try bench.commit("g", names[1], generation, offset: 1, from: 2) == ErrorCode.illegalGeneration.rawValue)
        #expect(try bench.heartbeat("g", names[0], generation, from: 1) == ErrorCode.unknownMemberID.rawValue)
    }

    @Test("a silent member is missed after its session, one that is heard of is not")
    func session() throws {
        var (bench, names, generation) = try stable(2, session: 3000)
        bench.advance(by: .milliseconds(2000))
        #expect(try bench.heartbeat("g", names[0], generation, from: 1) == 0)
        bench.advance(by: .milliseconds(1000))
        #expect(try bench.heartbeat("g", names[0], generation, from: 1) == ErrorCode.rebalanceInProgress.rawValue)
        bench.join("g", names[0], from: 1, session: 3000)
        #expect(try bench.joined(1)?.members == [names[0]])
        #expect(try bench.heartbeat("g", names[1], generation, from: 2) == ErrorCode.unknownMemberID.rawValue)
        bench.advance(by: .seconds(10))
        #expect(bench.core.groups.list.isEmpty, "a group that nobody is in, with nothing on record, is gone")
        #expect(bench.core.deadline() == nil)
    }

    @Test("a rebalance goes on without a member that does not join again in time")
    func rebalanceTimeout() throws {
        var (bench, names, generation) = try stable(2, session: 60_000)
        let third = try bench.joinNew(from: 3, session: 60_000)
        bench.join("g", names[0], from: 1, session: 60_000)
        bench.advance(by: .milliseconds(9999))
        #expect(try bench.joined(1) == nil)
        bench.advance(by: .milliseconds(1))
        let answer = try #require(try bench.joined(1))
        #expect(answer.members == [names[0], third] && answer.generation == generation + 1)
        #expect(try bench.heartbeat("g", names[1], generation, from: 2) == ErrorCode.unknownMemberID.rawValue)
    }

    @Test("a leader that does not assign in time is left behind")
    func leaderSilent() throws {
        var bench = Bench()
        let leader = try bench.joinNew(from: 1, session: 60_000)
        let other = try bench.joinNew(from: 2, session: 60_000)
        bench.advance(by: .milliseconds(50))
        #expect(try bench.joined(1)?.leader == leader)
        let generation = try #require(try bench.joined(2)).generation
        bench.sync("g", other, generation, from: 2)
        bench.advance(by: .seconds(10))
        #expect(try bench.synced(2)?.error == ErrorCode.rebalanceInProgress.rawValue)
        bench.join("g", other, from: 2)
        #expect(try bench.joined(2)?.isLeader == true)
    }

    @Test(
        "a member with a name of its own comes back to its partitions without a rebalance, its earlier self is fenced")
    func staticMember() throws {
        var bench = Bench()
        bench.join("g", instance: "i", from: 1)
        bench.advance(by: .milliseconds(50))
        let first = try #require(try bench.joined(1))
        bench.sync("g", first.member, first.generation, from: 1, assignments: [first.member: [5]], instance: "i")
        #expect(try bench.synced(1)?.assignment == [5])
        bench.join("g", instance: "i", from: 2)
        let second = try #require(try bench.joined(2))
        #expect(second.generation == first.generation && second.member != first.member)
        #expect(second.members.isEmpty, "it is not to assign anew")
        bench.sync("g", second.member, second.generation, from: 2, instance: "i")
        #expect(try bench.synced(2)?.assignment == [5])
        bench.join("g", first.member, instance: "i", from: 3)
        #expect(try bench.joined(3)?.error == ErrorCode.fencedInstanceID.rawValue)
        bench.sync("g", first.member, first.generation, from: 3, instance: "i")
        #expect(try bench.synced(3)?.error == ErrorCode.fencedInstanceID.rawValue)
        #expect(try bench.heartbeat("g", second.member, second.generation, from: 2) == 0)
        bench.join("g", instance: "i", from: 4, metadata: [2])
        #expect(try bench.joined(4)?.generation == first.generation + 1, "what it wants has changed")
    }

    @Test("what no group can take is refused by its name")
    func refused() throws {
        var (bench, _, _) = try stable(1)
        func error(_ code: ErrorCode) throws {
            #expect(try bench.joined(9)?.error == code.rawValue)
        }
        bench.join("", from: 9)
        try error(.invalidGroupID)
        bench.join("g", "nobody", from: 9)
        try error(.unknownMemberID)
        bench.join("other", "nobody", from: 9)
        try error(.unknownMemberID)
        bench.join("g", from: 9, session: 1)
        try error(.invalidSessionTimeout)
        bench.join("g", from: 9, protocols: ["roundrobin"])
        try error(.inconsistentGroupProtocol)
        bench.join("g", from: 9, protocols: [])
        try error(.inconsistentGroupProtocol)
        #expect(try bench.commit("g", offset: 1, from: 9) == ErrorCode.unknownMemberID.rawValue, "members are in it")
        #expect(try bench.commit("new", "m", 3, offset: 1, from: 9) == ErrorCode.illegalGeneration.rawValue)
        #expect(
            try bench.commit("new", offset: 1, partition: 7, from: 9) == ErrorCode.unknownTopicOrPartition.rawValue)
        #expect(try bench.commit("new", offset: 1, from: 9) == 0)
        #expect(try bench.committed("new", from: 9) == [1, -1])
    }

    @Test("a name that was given and not used is forgotten")
    func invited() throws {
        var bench = Bench()
        bench.join("g", from: 1, session: 3000)
        let answer = try #require(try bench.joined(1))
        #expect(answer.error == ErrorCode.memberIDRequired.rawValue && !answer.member.isEmpty)
        bench.advance(by: .milliseconds(3000))
        bench.join("g", answer.member, from: 1)
        #expect(try bench.joined(1)?.error == ErrorCode.unknownMemberID.rawValue)
        bench.join("g", from: 2, version: 3)
        bench.advance(by: .milliseconds(50))
        #expect(!bench.core.isBusy(2), "an older client needs no name beforehand")
    }

    @Test(
        "members that come, go, stall and fall silent always end in one generation with one leader", arguments: 0..<60)
    func property(seed: UInt64) throws {
        try GroupWorld(seed: seed).run()
    }
}

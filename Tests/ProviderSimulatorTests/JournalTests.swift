import Clocks
import Glibc
import LocalStack
import TestSupport
import Testing

@testable import ProviderSimulator

@Suite("Journal as text")
struct JournalTextTests {
    /// A history with every kind of record, as the lines of its changes.
    private static func history() -> (lines: [[UInt8]], ledger: Ledger) {
        var fixture = LedgerFixture(.telling)
        var lines: [[UInt8]] = []
        func note() { lines.append(JournalText.line(fixture.ledger.takeChanges().records)) }
        let steps: [(inout LedgerFixture) -> Void] = [
            { _ = $0.charge("a") }, { _ = $0.charge("a") }, { _ = $0.charge("f", "tok_flaky") },
            { _ = $0.refund("r", of: "a", 5) }, { _ = $0.reverse("a") }, { _ = $0.reverse("ü \"t\"") },
            { _ = $0.charge("p", "tok_pending") }, { _ = $0.book("s") }, { _ = $0.confirm("s") },
            { $0.pass(.seconds(6)) }, { _ = $0.cancel("gone") },
            { fixture in
                for event in fixture.ledger.claimDeliveries(now: fixture.now, limit: 2) {
                    fixture.ledger.deliveryEnded(
                        event.id, isDelivered: false, now: fixture.now, random: fixture.random)
                }
            },
            { fixture in
                let event = fixture.ledger.claimDeliveries(now: fixture.now, limit: 1)[0]
                fixture.ledger.deliveryEnded(event.id, isDelivered: true, now: fixture.now, random: fixture.random)
            },
        ]
        for step in steps {
            step(&fixture)
            note()
        }
        return (lines, fixture.ledger)
    }

    private static func replay(_ bytes: [UInt8]) throws(JournalError) -> (ledger: Ledger, goodBytes: Int, torn: Int) {
        var replay = JournalText.Replay(into: Ledger(rules: .telling))
        try replay.read(bytes)
        let (ledger, torn) = try replay.finish()
        return (ledger, replay.goodBytes, torn)
    }

    @Test("every kind of record survives being written and read, in pieces of any size", arguments: [1, 7, 100_000])
    func pieces(size: Int) throws {
        let (lines, ledger) = Self.history()
        let bytes = Array(lines.joined())
        var replay = JournalText.Replay(into: Ledger(rules: .telling))
        for start in stride(from: 0, to: bytes.count, by: size) {
            try replay.read(bytes[start..<min(start + size, bytes.count)])
        }
        let (restored, torn) = try replay.finish()
        #expect(torn == 0 && replay.goodBytes == bytes.count && replay.lines == lines.count)
        #expect(restored.charges.entries == ledger.charges.entries)
        #expect(restored.refunds.entries == ledger.refunds.entries)
        #expect(restored.bookings.entries == ledger.bookings.entries)
        #expect(restored.events == ledger.events && restored.refusals == ledger.refusals)
        #expect(restored.sums == ledger.sums)
    }

    @Test("wherever the file ends, what is left is the history up to the last whole line")
    func torn() throws {
        let lines = Self.history().lines
        let bytes = Array(lines.joined())
        var ends = [0]
        for line in lines { ends.append(ends[ends.count - 1] + line.count) }
        // Every place near the end of a line, and some within.
        let near = ends.flatMap { [$0 - 2, $0 - 1, $0, $0 + 1, $0 + 2] }
        let lengths = Set(near + stride(from: 0, to: bytes.count, by: 97)).filter { (0...bytes.count).contains($0) }
        for length in lengths.sorted() {
            let (ledger, goodBytes, torn) = try Self.replay(Array(bytes[..<length]))
            let end = ends.last { $0 <= length } ?? 0
            #expect(goodBytes == end && torn == length - end, "length \(length)")
            if length == end { #expect(try Self.replay(Array(bytes[..<end])).ledger.sums == ledger.sums) }
        }
    }

    @Test(
        "a last line of garbage is left out, in whatever form", arguments: ["[{\"charge\":{}}]\n", "\0\0\0", "[]]\n"])
    func garbage(tail: String) throws {
        let bytes = Array(Self.history().lines.joined())
        let (ledger, goodBytes, torn) = try Self.replay(bytes + Array(tail.utf8))
        #expect(goodBytes == bytes.count && torn == tail.utf8.count)
        #expect(ledger.sums == Self.history().ledger.sums)
    }

    @Test("a line in the middle that cannot be read is damage, and named", arguments: ["", "[{", "[{}]", "{}", "[1]"])
    func damaged(line: String) {
        var lines = Self.history().lines
        lines[3] = Array("\(line)\n".utf8)
        let error = #expect(throws: JournalError.self) { try Self.replay(Array(lines.joined())) }
        guard case .damaged(line: 4, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a torn line behind one that cannot be read does not hide the damage")
    func damagedBeforeTorn() {
        let bytes = Array(Self.history().lines.joined()) + Array("[{\n[{\"charge".utf8)
        #expect(throws: JournalError.self) { try Self.replay(bytes) }
    }
}

@Suite("Journal on disk", .timeLimit(.minutes(1)))
struct JournalTests {
    private static func folder() async throws -> String { try await TestFolder.make("journal") + "/a/b" }

    private static func lines(_ folder: String) -> [String] {
        (Files.text("\(folder)/\(JournalFile.name)") ?? "").split(separator: "\n").map(String.init)
    }

    @Test("what is durable is in the file, in the order in which it was appended")
    func order() async throws {
        let folder = try await Self.folder()
        let journal = Journal(try JournalFile(folder: folder))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                let ticket = journal.append(Array("\(number)\n".utf8))
                group.addTask {
                    try await journal.durable(ticket)
                    #expect(Self.lines(folder).count > number)
                }
            }
            try await group.waitForAll()
        }
        #expect(Self.lines(folder) == (0..<500).map(String.init))
        journal.close()
        #expect(await journal.ended() == nil)
    }

    @Test("a second process is refused the file")
    func locked() async throws {
        let folder = try await Self.folder()
        let journal = Journal(try JournalFile(folder: folder))
        #expect(throws: JournalError.inUse(path: "\(folder)/\(JournalFile.name)")) {
            _ = try JournalFile(folder: folder)
        }
        journal.close()
        #expect(await journal.ended() == nil)
    }

    @Test("a torn line is cut off, so that what follows stands on a line of its own")
    func repair() async throws {
        let folder = try await Self.folder()
        var fixture = LedgerFixture()
        _ = fixture.charge("a")
        let first = JournalText.line(fixture.ledger.takeChanges().records)
        try Files.makeDirectory(folder)
        try Files.replace("\(folder)/\(JournalFile.name)", with: first + first.prefix(40))
        let file = try JournalFile(folder: folder)
        let (ledger, lines, torn) = try file.replay(into: fixture.ledger)
        #expect(ledger.charges["a"]?.status == .captured && lines == 1 && torn == 40)
        _ = fixture.charge("b")
        try file.append(JournalText.line(fixture.ledger.takeChanges().records))
        let (again, count, rest) = try file.replay(into: Ledger(rules: LedgerRules()))
        #expect(again.charges.count == 2 && count == 2 && rest == 0)
    }

    @Test("what is forgotten is gone, what comes after it stays")
    func forget() async throws {
        let folder = try await Self.folder()
        let journal = Journal(try JournalFile(folder: folder))
        try await journal.durable(journal.append(Array("old\n".utf8)))
        let forgotten = journal.forget()
        let new = journal.append(Array("new\n".utf8))
        try await journal.durable(forgotten)
        try await journal.durable(new)
        #expect(Self.lines(folder) == ["new"])
        journal.close()
        #expect(await journal.ended() == nil)
    }

    @Test("closing writes what waits; what comes later is not promised")
    func close() async throws {
        let folder = try await Self.folder()
        let journal = Journal(try JournalFile(folder: folder))
        let ticket = journal.append(Array("last\n".utf8))
        journal.close()
        try await journal.durable(ticket)
        #expect(await journal.ended() == nil)
        #expect(Self.lines(folder) == ["last"])
        await #expect(throws: JournalError.closed) { try await journal.durable(journal.append([1])) }
    }

    @Test("a disk that is full fails whoever waits and ends the journal")
    func full() async throws {
        // A file that always says that no space is left.
        let folder = try await Self.folder()
        try Files.makeDirectory(folder)
        #expect(symlink("/dev/full", "\(folder)/\(JournalFile.name)") == 0)
        let journal = Journal(try JournalFile(folder: folder))
        let error = await #expect(throws: JournalError.self) {
            try await journal.durable(journal.append(Array("lost\n".utf8)))
        }
        guard case .system(action: "write", _, code: ENOSPC) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(await journal.ended() == error)
    }

    @Test("a task that is cancelled does not wait, and its line is written all the same")
    func cancelled() async throws {
        let folder = try await Self.folder()
        let journal = Journal(try JournalFile(folder: folder))
        let ticket = journal.append(Array("kept\n".utf8))
        let waiting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            do { try await journal.durable(ticket) } catch { #expect(error is CancellationError) }
        }
        await waiting.value
        try await journal.durable(ticket)
        #expect(Self.lines(folder) == ["kept"])
        journal.close()
        #expect(await journal.ended() == nil)
    }
}

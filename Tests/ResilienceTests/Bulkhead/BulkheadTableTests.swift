import Clocks
import Testing

@testable import Resilience

/// Every state of a bulkhead of two places and two in the queue meets every event: what it is afterwards, and what the
/// caller is told.
struct BulkheadTableTests {
    enum State: Hashable, CaseIterable {
        case empty, free, full, oneWaits, queueFull
        /// There is no queue.
        case fullWithoutQueue
    }

    enum Event: Hashable, CaseIterable {
        case tryAcquire, acquire
        /// A place is given back while all, only the second, or none of those in the queue still wait.
        case release, releaseAfterFirstExpired, releaseAfterAllExpired
        /// The first in the queue leaves, or somebody who has a place already.
        case leave, leaveWithPlace
    }

    enum Answer: Hashable {
        case admitted, queued, full
        case left, unknown
        /// Who was given the place, and whose time was over, by their place in the queue.
        case released(next: UInt64?, expired: [UInt64])
    }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: State
        let event: Event
        let inUse: Int
        let waiting: Int
        let answer: Answer

        init(_ state: State, _ event: Event, _ inUse: Int, _ waiting: Int, _ answer: Answer) {
            (self.state, self.event, self.inUse, self.waiting) = (state, event, inUse, waiting)
            self.answer = answer
        }

        var testDescription: String { "\(state), \(event)" }
    }

    private static let nobody = Answer.released(next: nil, expired: [])

    static let table: [Line] =
        [
            Line(.empty, .tryAcquire, 1, 0, .admitted),
            Line(.empty, .acquire, 1, 0, .admitted),
            Line(.empty, .leave, 0, 0, .unknown),
            Line(.empty, .leaveWithPlace, 0, 0, .unknown),

            Line(.free, .tryAcquire, 2, 0, .admitted),
            Line(.free, .acquire, 2, 0, .admitted),
            Line(.free, .release, 0, 0, nobody),
            Line(.free, .releaseAfterFirstExpired, 0, 0, nobody),
            Line(.free, .releaseAfterAllExpired, 0, 0, nobody),
            Line(.free, .leave, 1, 0, .unknown),
            Line(.free, .leaveWithPlace, 1, 0, .unknown),

            Line(.full, .tryAcquire, 2, 0, .full),
            Line(.full, .acquire, 2, 1, .queued),

            Line(.fullWithoutQueue, .tryAcquire, 2, 0, .full),
            Line(.fullWithoutQueue, .acquire, 2, 0, .full),

            Line(.oneWaits, .tryAcquire, 2, 1, .full),
            Line(.oneWaits, .acquire, 2, 2, .queued),
            Line(.oneWaits, .release, 2, 0, .released(next: 1, expired: [])),
            Line(.oneWaits, .releaseAfterFirstExpired, 1, 0, .released(next: nil, expired: [1])),
            Line(.oneWaits, .releaseAfterAllExpired, 1, 0, .released(next: nil, expired: [1])),
            Line(.oneWaits, .leave, 2, 0, .left),
            Line(.oneWaits, .leaveWithPlace, 2, 1, .unknown),

            Line(.queueFull, .tryAcquire, 2, 2, .full),
            Line(.queueFull, .acquire, 2, 2, .full),
            Line(.queueFull, .release, 2, 1, .released(next: 1, expired: [])),
            Line(.queueFull, .releaseAfterFirstExpired, 2, 0, .released(next: 2, expired: [1])),
            Line(.queueFull, .releaseAfterAllExpired, 1, 0, .released(next: nil, expired: [1, 2])),
            Line(.queueFull, .leave, 2, 1, .left),
            Line(.queueFull, .leaveWithPlace, 2, 2, .unknown),
        ]
        + [State.full, .fullWithoutQueue].flatMap { state in
            [
                Line(state, .release, 1, 0, nobody),
                Line(state, .releaseAfterFirstExpired, 1, 0, nobody),
                Line(state, .releaseAfterAllExpired, 1, 0, nobody),
                Line(state, .leave, 2, 0, .unknown),
                Line(state, .leaveWithPlace, 2, 0, .unknown),
            ]
        }

    private static let releases: [Event] = [.release, .releaseAfterFirstExpired, .releaseAfterAllExpired]

    @Test("the table tells of every state and every event once")
    func complete() {
        for state in State.allCases {
            for event in Event.allCases {
                let lines = Self.table.count { $0.state == state && $0.event == event }
                let isFatal = state == .empty && Self.releases.contains(event)
                #expect(lines == (isFatal ? 0 : 1), "\(state), \(event)")
            }
        }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) {
        var machine = Self.machine(in: line.state)
        #expect(Self.perform(line.event, on: &machine) == line.answer)
        #expect(machine.inUse == line.inUse)
        #expect(machine.waiting == line.waiting)
        // Whatever happened: a place is free only while nobody waits, and is then there for who asks.
        let isFree = line.inUse < 2
        #expect(!isFree || line.waiting == 0)
        #expect(machine.tryAcquire() == isFree)
    }

    @Test("a place that nobody has cannot be given back")
    func fatal() async {
        await #expect(processExitsWith: .failure) {
            var machine = BulkheadTableTests.machine(in: .empty)
            _ = BulkheadTableTests.perform(.release, on: &machine)
        }
    }

    private static func at(_ seconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 0).advanced(by: .seconds(seconds))
    }

    /// Those in the queue are 1, which waits until second 10, and 2, which waits until second 20.
    private static func machine(in state: State) -> BulkheadMachine {
        var machine = BulkheadMachine(limit: 2, queueLimit: state == .fullWithoutQueue ? 0 : 2)
        let (inside, waiting) =
            switch state {
            case .empty: (0, 0)
            case .free: (1, 0)
            case .full, .fullWithoutQueue: (2, 0)
            case .oneWaits: (2, 1)
            case .queueFull: (2, 2)
            }
        for number in 0..<inside { _ = machine.acquire(UInt64(100 + number), expiresAt: at(10)) }
        for number in 0..<waiting { _ = machine.acquire(UInt64(1 + number), expiresAt: at(10 + 10 * number)) }
        return machine
    }

    private static func perform(_ event: Event, on machine: inout BulkheadMachine) -> Answer {
        func release(at seconds: Int) -> Answer {
            let release = machine.release(now: at(seconds))
            return .released(next: release.next, expired: release.expired)
        }
        switch event {
        case .tryAcquire: return machine.tryAcquire() ? .admitted : .full
        case .acquire:
            return switch machine.acquire(200, expiresAt: at(30)) {
            case .admitted: .admitted
            case .queued: .queued
            case .full: .full
            }
        case .release: return release(at: 9)
        // Who waits until a moment has waited too long at that moment.
        case .releaseAfterFirstExpired: return release(at: 10)
        case .releaseAfterAllExpired: return release(at: 20)
        case .leave: return machine.leave(1) ? .left : .unknown
        case .leaveWithPlace: return machine.leave(100) ? .left : .unknown
        }
    }
}

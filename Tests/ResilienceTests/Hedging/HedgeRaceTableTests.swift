import Testing

@testable import Resilience

/// Every state of a race of up to three calls meets every event: whether there is an answer, and what may follow.
struct HedgeRaceTableTests {
    enum State: Hashable, CaseIterable {
        /// The first call is alone; or the first and a second are under way; or only the second still is.
        case alone, two, firstFailed
        /// All three were begun and are under way: no further one may be.
        case full
        /// As alone, two and firstFailed, but the budget or the deadline forbids a further call.
        case closedAlone, closedTwo, closedFirstFailed
        /// The second has answered and the first is being cancelled; or the first has answered with nothing else under way.
        case answered, over
    }

    enum Event: Hashable, CaseIterable {
        case firstGood, firstBad, secondGood, secondBad, start, close
    }

    enum Answer: Hashable { case answer, wait, begun(Int), none }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: State
        let event: Event
        let answer: Answer
        let running: Int
        let isOpen: Bool

        init(_ state: State, _ event: Event, _ answer: Answer, running: Int, isOpen: Bool = false) {
            (self.state, self.event, self.answer) = (state, event, answer)
            (self.running, self.isOpen) = (running, isOpen)
        }

        var testDescription: String { "\(state), \(event)" }
    }

    static let table: [Line] = [
        Line(.alone, .firstGood, .answer, running: 0),
        Line(.alone, .firstBad, .answer, running: 0),
        Line(.alone, .start, .begun(2), running: 2, isOpen: true),
        Line(.alone, .close, .none, running: 1),

        Line(.two, .firstGood, .answer, running: 1),
        Line(.two, .firstBad, .wait, running: 1, isOpen: true),
        Line(.two, .secondGood, .answer, running: 1),
        Line(.two, .secondBad, .wait, running: 1, isOpen: true),
        Line(.two, .start, .begun(3), running: 3),
        Line(.two, .close, .none, running: 2),

        Line(.firstFailed, .secondGood, .answer, running: 0),
        Line(.firstFailed, .secondBad, .answer, running: 0),
        Line(.firstFailed, .start, .begun(3), running: 2),
        Line(.firstFailed, .close, .none, running: 1),

        Line(.full, .firstGood, .answer, running: 2),
        Line(.full, .firstBad, .wait, running: 2),
        Line(.full, .secondGood, .answer, running: 2),
        Line(.full, .secondBad, .wait, running: 2),
        Line(.full, .close, .none, running: 3),

        Line(.closedAlone, .firstGood, .answer, running: 0),
        Line(.closedAlone, .firstBad, .answer, running: 0),
        Line(.closedAlone, .close, .none, running: 1),

        Line(.closedTwo, .firstGood, .answer, running: 1),
        Line(.closedTwo, .firstBad, .wait, running: 1),
        Line(.closedTwo, .secondGood, .answer, running: 1),
        Line(.closedTwo, .secondBad, .wait, running: 1),
        Line(.closedTwo, .close, .none, running: 2),

        Line(.closedFirstFailed, .secondGood, .answer, running: 0),
        Line(.closedFirstFailed, .secondBad, .answer, running: 0),
        Line(.closedFirstFailed, .close, .none, running: 1),

        Line(.answered, .close, .none, running: 1),
        Line(.over, .close, .none, running: 0),
    ]

    private static let ends: [Event] = [.firstGood, .firstBad, .secondGood, .secondBad]

    /// A call that is not under way does not end. Once there is an answer nobody listens to what else ends.
    private static func isImpossible(_ state: State, _ event: Event) -> Bool {
        switch state {
        case .alone, .closedAlone: [.secondGood, .secondBad].contains(event)
        case .firstFailed, .closedFirstFailed: [.firstGood, .firstBad].contains(event)
        case .answered: ends.contains(event)
        case .two, .full, .closedTwo, .over: false
        }
    }

    private static func isFatal(_ state: State, _ event: Event) -> Bool {
        switch event {
        case .start: ![.alone, .two, .firstFailed].contains(state)
        case .firstGood, .firstBad, .secondGood, .secondBad: state == .over
        case .close: false
        }
    }

    @Test("the table tells of every state and every event once")
    func complete() {
        for state in State.allCases {
            for event in Event.allCases {
                let lines = Self.table.count { $0.state == state && $0.event == event }
                let isLeftOut = Self.isImpossible(state, event) || Self.isFatal(state, event)
                #expect(lines == (isLeftOut ? 0 : 1), "\(state), \(event)")
            }
        }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) {
        var race = Self.race(in: line.state)
        let firstWasRunning = race.firstIsRunning
        #expect(Self.perform(line.event, on: &race) == line.answer)
        #expect(race.running == line.running)
        #expect(race.isOpen == line.isOpen)
        let firstEnded = [.firstGood, .firstBad].contains(line.event)
        #expect(race.firstIsRunning == (firstWasRunning && !firstEnded))
    }

    @Test("no call is begun in a race that is full, closed, answered or over")
    func fatalStart() async {
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.full, .start) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.closedAlone, .start) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.closedTwo, .start) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.closedFirstFailed, .start) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.answered, .start) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.over, .start) }
    }

    @Test("no call ends in a race that is over")
    func fatalEnd() async {
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.over, .firstGood) }
        await #expect(processExitsWith: .failure) { HedgeRaceTableTests.die(.over, .secondBad) }
    }

    private static func die(_ state: State, _ event: Event) {
        var race = race(in: state)
        _ = perform(event, on: &race)
    }

    private static func race(in state: State) -> HedgeRace {
        var race = HedgeRace(maximumExtraCalls: 2)
        switch state {
        case .alone, .closedAlone: break
        case .two, .closedTwo: _ = race.start()
        case .firstFailed, .closedFirstFailed:
            _ = race.start()
            _ = race.finish(1, isGood: false)
        case .full:
            _ = race.start()
            _ = race.start()
        case .answered:
            _ = race.start()
            _ = race.finish(2, isGood: true)
        case .over: _ = race.finish(1, isGood: true)
        }
        if [.closedAlone, .closedTwo, .closedFirstFailed].contains(state) { race.close() }
        return race
    }

    private static func perform(_ event: Event, on race: inout HedgeRace) -> Answer {
        func finish(_ attempt: Int, isGood: Bool) -> Answer {
            race.finish(attempt, isGood: isGood) == .answer ? .answer : .wait
        }
        switch event {
        case .firstGood: return finish(1, isGood: true)
        case .firstBad: return finish(1, isGood: false)
        case .secondGood: return finish(2, isGood: true)
        case .secondBad: return finish(2, isGood: false)
        case .start: return .begun(race.start())
        case .close:
            race.close()
            return .none
        }
    }
}

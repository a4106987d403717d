import Clocks
import Testing

@testable import Resilience

struct HedgeRaceTests {
    @Test("a good end wins at once, another counts only when nothing else is under way")
    func ends() {
        var alone = HedgeRace(maximumExtraCalls: 1)
        #expect(alone.finish(1, isGood: false) == .answer)
        #expect(!alone.isOpen)

        var failedFirst = HedgeRace(maximumExtraCalls: 1)
        #expect(failedFirst.start() == 2)
        #expect(failedFirst.finish(1, isGood: false) == .wait)
        #expect(!failedFirst.firstIsRunning)
        #expect(failedFirst.finish(2, isGood: true) == .answer)

        var bothFailed = HedgeRace(maximumExtraCalls: 1)
        _ = bothFailed.start()
        #expect(bothFailed.finish(2, isGood: false) == .wait)
        #expect(bothFailed.firstIsRunning)
        #expect(bothFailed.finish(1, isGood: false) == .answer)

        var beaten = HedgeRace(maximumExtraCalls: 1)
        _ = beaten.start()
        #expect(beaten.finish(2, isGood: true) == .answer)
        #expect(beaten.firstIsRunning)
    }

    @Test("further calls are bounded, and none follows once it is closed, over or answered")
    func bounds() {
        var race = HedgeRace(maximumExtraCalls: 2)
        #expect(race.isOpen)
        #expect(race.start() == 2)
        // One that failed does not end the race while another runs.
        #expect(race.finish(1, isGood: false) == .wait)
        #expect(race.isOpen)
        #expect(race.start() == 3)
        #expect(!race.isOpen)

        var closed = HedgeRace(maximumExtraCalls: 2)
        closed.close()
        #expect(!closed.isOpen)
        #expect(closed.finish(1, isGood: true) == .answer)
    }

    @Test(
        "whatever ends when, there is one answer: the first good end, else the last one", arguments: replayable(0..<200)
    )
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let extra = 1 + pick(4)
        var race = HedgeRace(maximumExtraCalls: extra)
        var running = [1]
        var started = 1
        while true {
            #expect(race.isOpen == (started <= extra), "seed \(seed)")
            if race.isOpen, pick(2) == 0 {
                started += 1
                #expect(race.start() == started, "seed \(seed)")
                running.append(started)
                continue
            }
            let ended = running.remove(at: pick(running.count))
            let isGood = pick(3) == 0
            let isAnswer = race.finish(ended, isGood: isGood) == .answer
            #expect(isAnswer == (isGood || running.isEmpty), "seed \(seed)")
            #expect(race.firstIsRunning == running.contains(1), "seed \(seed)")
            if isAnswer { break }
        }
        #expect(!race.isOpen, "seed \(seed)")
        #expect(race.started == started && race.running == running.count, "seed \(seed)")
    }
}

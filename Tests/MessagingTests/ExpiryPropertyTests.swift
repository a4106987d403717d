import Clocks
import Glibc
import TestSupport
import Testing

@testable import Messaging

/// Random traffic of one sender, judged against what is true of it; `HOLDFAST_SEED` replays a failing seed.
@Suite("Late commands in random traffic")
struct ExpiryPropertyTests {
    private static let seeds: [UInt64] = {
        let given = getenv("HOLDFAST_SEED").flatMap { UInt64(String(cString: $0)) }
        return given.map { [$0] } ?? Array(0..<200)
    }()

    /// A command: when it was said and is here, in seconds of ours, and how long its sender waits for it.
    private struct Command {
        var said: Double
        var here: Double
        var patience: Double
        var delay: Double { here - said }
        var isInTime: Bool { delay <= patience }
    }

    /// A hundred seconds of commands: most are quick, and now and then all wait for the end of a stall.
    private static func traffic(_ random: SeededRandom, from start: Double = 0) -> [Command] {
        func upTo(_ most: Double) -> Double { Double(random.next() % 1_000_000) / 1_000_000 * most }
        var commands: [Command] = []
        var stallEnds = 0.0
        var now = start
        while now < start + 100 {
            now += upTo(0.2)
            if now > stallEnds, now > start + 10, random.next() % 200 == 0 { stallEnds = now + upTo(25) }
            let here = max(now + 0.002 + upTo(0.1), stallEnds)
            commands.append(Command(said: now, here: here, patience: 1 + upTo(15)))
        }
        return commands.sorted { $0.here < $1.here }
    }

    private static let base = Timestamp(milliseconds: 1_767_225_600_000)

    /// Verdicts of batches, as a consumer makes them: what is here by the same moment is taken in before it is judged.
    private static func judge(_ commands: [Command], clock: (Double) -> Double) -> [ExpiryGuard.Verdict] {
        var guarding = ExpiryGuard()
        var verdicts: [ExpiryGuard.Verdict] = []
        var rest = commands[...]
        while let first = rest.first {
            let batch = rest.prefix { $0.here == first.here }
            rest = rest.dropFirst(batch.count)
            let now = ExpiryGuardTests.at(first.here)
            for command in batch {
                guarding.observe("s", said: base.advanced(by: .seconds(clock(command.said))), now: now)
            }
            for command in batch {
                let said = base.advanced(by: .seconds(clock(command.said)))
                verdicts.append(
                    guarding.judge("s", said: said, deadline: said.advanced(by: .seconds(command.patience)), now: now))
            }
        }
        return verdicts
    }

    private static func skew(_ random: SeededRandom) -> Double { Double(random.next() % 1_200_001) / 1000 - 600 }

    @Test(
        "whatever the clocks show, none in time is refused, and none is begun later than the smallest delay",
        arguments: seeds)
    func steady(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let skew = Self.skew(random)
        let commands = Self.traffic(random)
        var late = 0
        for (command, verdict) in zip(commands, Self.judge(commands) { $0 + skew }) {
            if command.isInTime {
                #expect(verdict == .begin, "HOLDFAST_SEED=\(seed): \(command)")
            } else if command.here > 5, command.delay > command.patience + 0.102 + 0.1 {
                // Warm after five seconds: by then one had no more delay than 102 ms, the most there is without a stall.
                #expect(verdict == .refuse, "HOLDFAST_SEED=\(seed): \(command)")
                late += 1
            }
        }
        #expect(late > 0 || !commands.contains { $0.delay > 17 }, "HOLDFAST_SEED=\(seed)")
    }

    @Test("a clock that is set costs no more wrong answers than commands in some seconds", arguments: seeds)
    func step(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let skew = Self.skew(random)
        let step = Self.skew(random)
        let set = 50.0
        let commands = Self.traffic(random)
        let verdicts = Self.judge(commands) { $0 + skew + ($0 >= set ? step : 0) }
        // Forward: what was said before and is here after those that confirm it. Back: what comes until the rise has
        // lasted. A stall at that moment keeps the rise from showing.
        let underWay = commands.filter { $0.said < set && $0.here > set }.count
        let stalledUntil = commands.filter { $0.delay > 0.5 && $0.here >= set - 30 }.map(\.here)
        var wrongRefusals = 0
        var lateBegins = 0
        for (command, verdict) in zip(commands, verdicts) {
            if command.isInTime, verdict == .refuse { wrongRefusals += 1 }
            if command.delay > command.patience + 0.202, command.here > 5, verdict != .refuse { lateBegins += 1 }
            // Whatever happens, it is over after a minute without a stall.
            let isCalm = !stalledUntil.contains { abs($0 - command.here) < 35 }
            if command.isInTime, command.here > set + 8, isCalm {
                #expect(verdict == .begin, "HOLDFAST_SEED=\(seed): step \(step), \(command)")
            }
        }
        let stalls = commands.filter { $0.delay > 0.5 && $0.here > set }.count
        let bound = step >= 0 ? underWay : 80 + stalls * 2
        #expect(wrongRefusals <= bound, "HOLDFAST_SEED=\(seed): step \(step), \(wrongRefusals) refused in time")
        #expect(lateBegins <= stalls + 150, "HOLDFAST_SEED=\(seed): step \(step), \(lateBegins) begun late")
    }
}

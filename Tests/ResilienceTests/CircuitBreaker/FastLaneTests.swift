import Clocks
import Synchronization
import TestSupport
import Testing

@testable import Resilience

/// Calls that pass the lock change nothing of what the breaker does and tells.
struct FastLaneTests {
    @Test(
        "good calls and refusals that were taken over at once are the same as one by one",
        arguments: replayable(0..<480))
    func takeOver(seed: UInt64) {
        #expect(Self.takesOverTruly(seed: seed), "seed \(seed)")
    }

    /// One machine decides about every call; the other is given the calls it need not decide about in batches.
    private static func takesOverTruly(seed: UInt64) -> Bool {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var exact = CircuitBreakerMachine(.drawn(random))
        var batched = exact
        var now = MonotonicInstant(nanoseconds: 1_000_000_000)
        for _ in 0..<200 {
            now = now.advanced(by: [.zero, .milliseconds(300), .seconds(2), .seconds(20)][pick(4)])
            var changed: CircuitBreakerTransition?
            if let until = batched.usualUntil, now < until, pick(3) > 0 {
                let count = 1 + pick(30)
                for _ in 0..<count {
                    guard case .admitted(let ticket) = exact.admit(now: now, random: random, changed: &changed) else {
                        continue
                    }
                    _ = exact.finish(ticket, .success, now: now, random: random, changed: &changed)
                }
                guard changed == nil else { return false }
                batched.takeOver(count)
            } else if pick(8) == 0 {
                let command = CircuitBreakerCommand.allCases[pick(5)]
                _ = exact.obey(command, now: now, random: random)
                _ = batched.obey(command, now: now, random: random)
            } else {
                let outcome = CallOutcome.allCases[pick(3)]
                let end = now.advanced(by: .milliseconds(pick(2000)))
                exact.make(outcome, from: now, to: end, random)
                batched.make(outcome, from: now, to: end, random)
                now = end
            }
            guard exact.snapshot(name: "b", now: now) == batched.snapshot(name: "b", now: now) else { return false }
        }
        return true
    }

    @Test(
        "the breaker as it is used agrees with one that works everything out anew, counts included",
        arguments: replayable(0..<160))
    func shell(seed: UInt64) {
        #expect(Self.shellAgrees(seed: seed), "seed \(seed)")
    }

    private static func shellAgrees(seed: UInt64) -> Bool {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let configuration = CircuitBreakerConfiguration.drawn(random)
        let time = TestTime()
        let breaker = CircuitBreaker(
            name: "b", configuration: configuration, time: time, random: SeededRandom(seed: 1))
        var naive = NaiveBreaker(configuration: configuration)
        var admitted: [(generation: UInt32, state: CircuitBreakerState, at: MonotonicInstant)] = []
        var expected = CircuitBreakerCounts()
        var permits = Permits()
        for _ in 0..<400 {
            time.advance(
                by: .nanoseconds(1) + [.zero, .zero, .zero, .milliseconds(300), .seconds(2), .seconds(20)][pick(6)])
            let now = time.now
            let input = pick(40)
            if input < 20 {
                let isAdmitted = naive.admit(now: now)
                switch breaker.admit() {
                case .permitted(let permit):
                    guard isAdmitted else { return false }
                    permits.append(permit)
                    admitted.append((naive.generation, naive.state, now))
                case .rejected:
                    guard !isAdmitted else { return false }
                    expected.add(.rejected, in: naive.state)
                }
            } else if input < 39, !admitted.isEmpty {
                let index = pick(admitted.count)
                let call = admitted.remove(at: index)
                // Good calls outweigh the others, as they do in life; they are those that pass the lock.
                let outcome: CallOutcome = pick(3) > 0 ? .success : CallOutcome.allCases[pick(3)]
                naive.finish(generation: call.generation, startedAt: call.at, outcome, now: now)
                if naive.isLate { expected.add(.late, in: call.state) } else { expected.add(outcome, in: call.state) }
                permits.remove(at: index).finish(outcome)
            } else {
                let command = CircuitBreakerCommand.allCases[pick(5)]
                breaker.obey(command)
                naive.obey(command, now: now)
            }
            let snapshot = breaker.snapshot
            guard snapshot.state == naive.state, breaker.state == naive.state, snapshot.counts == expected,
                snapshot.openUntil == naive.openUntil
            else { return false }
            if naive.state == .closed || naive.state == .metricsOnly {
                let window = naive.window(now: now)
                guard snapshot.calls == window.count,
                    snapshot.failures == window.count(where: { $0.outcome == .failure }),
                    snapshot.slowCalls == window.count(where: \.isSlow)
                else { return false }
            }
        }
        return true
    }

    /// Permits cannot be copied, so no array holds them.
    private struct Permits: ~Copyable {
        private final class Box {
            var permit: CircuitBreakerPermit?
            init(_ permit: consuming CircuitBreakerPermit) { self.permit = consume permit }
        }

        private var boxes: [Box] = []

        mutating func append(_ permit: consuming CircuitBreakerPermit) { boxes.append(Box(permit)) }

        mutating func remove(at index: Int) -> CircuitBreakerPermit {
            let box = boxes.remove(at: index)
            guard let permit = box.permit.take() else { preconditionFailure("each permit is taken out once") }
            return permit
        }
    }

    @Test("a lane that is shut, or was shut since its sign was read, lets nobody in")
    func lane() {
        let lane = FastLane()
        let shutAtFirst = !lane.sign.isOpen
        lane.show(.closed, generation: 7, until: .distantFuture)
        let sign = lane.sign
        #expect(shutAtFirst && sign.state == .closed && sign.generation == 7 && sign.isOpen)
        let taken = [lane.take(sign), lane.take(sign), lane.take(lane.sign)]
        let count = lane.shut()
        #expect(taken == [true, true, true] && count == 3)
        let whileShut = (lane.take(sign), lane.sign)
        #expect(!whileShut.0 && !whileShut.1.isOpen && whileShut.1.state == .closed)
        lane.show(.closed, generation: 8, until: .distantFuture)
        let ofOlderGeneration = lane.take(sign)
        let countAfter = lane.shut()
        #expect(!ofOlderGeneration && countAfter == 0)
    }
}

extension CircuitBreakerMachine {
    fileprivate mutating func make(
        _ outcome: CallOutcome, from begin: MonotonicInstant, to end: MonotonicInstant, _ random: SeededRandom
    ) {
        var changed: CircuitBreakerTransition?
        guard case .admitted(let ticket) = admit(now: begin, random: random, changed: &changed) else { return }
        _ = finish(ticket, outcome, now: end, random: random, changed: &changed)
    }
}

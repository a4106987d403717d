import Clocks
import Testing

@testable import FaultProxy

@Suite("One direction of a connection")
struct LaneTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)
    private let random = SeededRandom(seed: 1)

    private func after(_ milliseconds: Int) -> MonotonicInstant { start.advanced(by: .milliseconds(milliseconds)) }

    private func faults(_ change: (inout LaneFaults) -> Void) -> LaneFaults {
        var faults = LaneFaults.none
        change(&faults)
        return faults
    }

    @Test("without faults everything goes on at once, and the end behind it")
    func passes() {
        var lane = Lane(.none)
        #expect(lane.step(at: start) == .idle)
        #expect(lane.arrive(100, at: start, random: random) == 100)
        #expect(lane.step(at: start) == .send(100))
        lane.sent(60, at: start)
        lane.end(.orderly, at: start, random: random)
        #expect(lane.step(at: start) == .send(40))
        lane.sent(40, at: start)
        #expect(lane.step(at: start) == .finish)
        lane.finish()
        #expect(lane.step(at: start) == .idle)
        #expect(lane.isFinished)
    }

    @Test("a source that resets is passed on as a reset, behind what it sent")
    func sourceResets() {
        var lane = Lane(.none)
        _ = lane.arrive(5, at: start, random: random)
        lane.end(.reset, at: start, random: random)
        #expect(lane.step(at: start) == .send(5))
        lane.sent(5, at: start)
        #expect(lane.step(at: start) == .cut(.reset))
    }

    @Test("latency holds bytes and the end back by so much")
    func latency() {
        var lane = Lane(faults { $0.latencyMilliseconds = 100 })
        _ = lane.arrive(10, at: start, random: random)
        _ = lane.arrive(20, at: after(30), random: random)
        lane.end(.orderly, at: after(40), random: random)
        #expect(lane.step(at: start) == .wait(until: after(100)))
        #expect(lane.step(at: after(100)) == .send(10))
        lane.sent(10, at: after(100))
        #expect(lane.step(at: after(100)) == .wait(until: after(130)))
        #expect(lane.step(at: after(135)) == .send(20))
        lane.sent(20, at: after(135))
        #expect(lane.step(at: after(135)) == .wait(until: after(140)))
        #expect(lane.step(at: after(140)) == .finish)
    }

    @Test("jitter stays within its bounds and never changes the order", arguments: [1, 2, 3, 99] as [UInt64])
    func jitter(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var delays: Set<Int64> = []
        for _ in 0..<200 {
            var single = Lane(
                faults {
                    $0.latencyMilliseconds = 50
                    $0.jitterMilliseconds = 80
                })
            _ = single.arrive(1, at: start, random: random)
            let delay =
                if case .wait(let instant) = single.step(at: start) { start.duration(to: instant) } else {
                    Duration.zero
                }
            #expect(delay >= .zero && delay <= .milliseconds(130))
            delays.insert(delay.wholeMilliseconds)
        }
        #expect(delays.count > 20)

        var lane = Lane(
            faults {
                $0.latencyMilliseconds = 50
                $0.jitterMilliseconds = 50
            })
        var last = start
        for index in 0..<100 { _ = lane.arrive(1, at: after(index), random: random) }
        while lane.queued > 0 {
            if case .wait(let instant) = lane.step(at: last) {
                #expect(instant > last)
                last = instant
            }
            lane.sent(1, at: last)
        }
    }

    @Test("a bandwidth lets a fiftieth of a second's worth out at a time, and no more than the rate in sum")
    func bandwidth() {
        var lane = Lane(faults { $0.bytesPerSecond = 1000 })
        _ = lane.arrive(100, at: start, random: random)
        var now = start
        var sizes: [Int] = []
        while lane.queued > 0 {
            switch lane.step(at: now) {
            case .send(let count):
                sizes.append(count)
                lane.sent(count, at: now)
            case .wait(let instant): now = instant
            default: Issue.record("nothing but waiting and sending is to be done")
            }
        }
        #expect(sizes == [20, 20, 20, 20, 20])
        #expect(now == after(80))
        _ = lane.arrive(1, at: now, random: random)
        #expect(lane.step(at: now) == .wait(until: after(100)))
    }

    @Test("the slowest bandwidth still moves")
    func slowest() {
        var lane = Lane(faults { $0.bytesPerSecond = 1 })
        _ = lane.arrive(2, at: start, random: random)
        #expect(lane.step(at: start) == .send(1))
        lane.sent(1, at: start)
        #expect(lane.step(at: start) == .wait(until: after(1000)))
    }

    @Test(
        "a cut comes behind the bytes that still pass, and what follows them is dropped",
        arguments: [(0, [10], [0]), (10, [10], [10]), (15, [10, 10], [10, 5]), (25, [10, 10, 10], [10, 10, 5])])
    func cuts(limit: Int, arriving: [Int], kept: [Int]) {
        var lane = Lane(
            faults {
                $0.cutAfterBytes = limit
                $0.cutWith = .reset
            })
        #expect(arriving.map { lane.arrive($0, at: start, random: random) } == kept)
        let total = kept.reduce(0, +)
        if total > 0 {
            #expect(lane.step(at: start) == .send(total))
            lane.sent(total, at: start)
        }
        #expect(lane.step(at: start) == .cut(.reset))
        #expect(lane.arrive(7, at: start, random: random) == 0)
        lane.change(to: .none, at: start)
        #expect(lane.step(at: start) == .cut(.reset), "bytes are missing: healing cannot take the cut back")
    }

    @Test("a cut that nothing has reached is healed")
    func healedCut() {
        var lane = Lane(faults { $0.cutAfterBytes = 10 })
        #expect(lane.arrive(9, at: start, random: random) == 9)
        lane.change(to: .none, at: start)
        #expect(lane.arrive(9, at: start, random: random) == 9)
        #expect(lane.step(at: start) == .send(18))
    }

    @Test("a black hole keeps everything, ends too, up to its capacity, and gives it back once healed")
    func blackHole() {
        var lane = Lane(faults { $0.isBlackHole = true })
        #expect(lane.arrive(lane.room, at: start, random: random) == Lane.capacity)
        #expect(lane.room == 0)
        lane.end(.orderly, at: start, random: random)
        #expect(lane.step(at: after(60_000)) == .idle)
        lane.change(to: .none, at: after(60_000))
        #expect(lane.step(at: after(60_000)) == .send(Lane.capacity))
        lane.sent(Lane.capacity, at: after(60_000))
        #expect(lane.step(at: after(60_000)) == .finish)
    }

    @Test("healing lets go at once what latency and bandwidth held back")
    func healsAtOnce() {
        var lane = Lane(
            faults {
                $0.latencyMilliseconds = 60_000
                $0.bytesPerSecond = 1
            })
        _ = lane.arrive(500, at: start, random: random)
        lane.end(.orderly, at: start, random: random)
        lane.change(to: .none, at: after(10))
        #expect(lane.step(at: after(10)) == .send(500))
        lane.sent(500, at: after(10))
        #expect(lane.step(at: after(10)) == .finish)
    }

    @Test("half-closed it ends towards the receiver once and drops what comes")
    func halfClose() {
        var lane = Lane(.none)
        _ = lane.arrive(3, at: start, random: random)
        lane.change(to: faults { $0.isHalfClosed = true }, at: start)
        #expect(lane.step(at: start) == .send(3))
        lane.sent(3, at: start)
        #expect(lane.step(at: start) == .finish)
        lane.finish()
        #expect(lane.arrive(9, at: start, random: random) == 0)
        lane.change(to: .none, at: start)
        #expect(lane.step(at: start) == .idle)
        #expect(lane.arrive(9, at: start, random: random) == 0, "an end cannot be taken back")
    }

    @Test("a reset comes before anything else")
    func reset() {
        var lane = Lane(.none)
        _ = lane.arrive(3, at: start, random: random)
        lane.change(to: faults { $0.isReset = true }, at: start)
        #expect(lane.step(at: start) == .cut(.reset))
    }

    @Test("a share concerns the connections that drew less", arguments: [(0.0, 0), (0.25, 25), (1.0, 100)])
    func share(share: Double, count: Int) {
        let faults = faults {
            $0.share = share
            $0.isReset = true
        }
        let concerned = (0..<100).filter { faults.concerning(Double($0) / 100).isReset }
        #expect(concerned == Array(0..<count))
    }
}

import Clocks
import ServiceChassis
import Testing

@Suite("Service group, its decisions")
struct ServiceGroupStateTests {
    struct Broken: Error {}

    static let now = MonotonicInstant(nanoseconds: 0)
    static let drainEnd = now.advanced(by: .seconds(20))

    static func running(_ count: Int) -> ServiceGroupState {
        var state = ServiceGroupState(count: count, drain: .seconds(20), grace: .seconds(2))
        _ = state.begin()
        for index in 0..<count { _ = state.becameReady(index) }
        return state
    }

    @Test("each service starts once the one before it is ready")
    func startOrder() {
        var state = ServiceGroupState(count: 3, drain: .seconds(20), grace: .seconds(2))
        #expect(state.begin() == [.start(0)])
        #expect(state.becameReady(0) == [.start(1)])
        #expect(state.becameReady(0).isEmpty)
        #expect(state.becameReady(1) == [.start(2)])
        #expect(state.becameReady(2) == [.announceRunning])
        #expect(state.phase == .running)
    }

    @Test("a group without services runs until it is asked to stop")
    func empty() {
        var state = ServiceGroupState(count: 0, drain: .seconds(1), grace: .seconds(1))
        #expect(state.begin() == [.announceRunning])
        #expect(state.stopRequested(now: Self.now).last == .end(.stopped))
    }

    @Test("services stop in reverse, each once the one behind it has ended")
    func stopOrder() {
        var state = Self.running(3)
        #expect(state.stopRequested(now: Self.now) == [.setDeadline(Self.drainEnd), .requestStop(2)])
        #expect(state.stopRequested(now: Self.now).isEmpty)
        #expect(state.ended(2, failure: nil, now: Self.now) == [.requestStop(1)])
        #expect(state.ended(1, failure: nil, now: Self.now) == [.requestStop(0)])
        #expect(state.ended(0, failure: nil, now: Self.now) == [.end(.stopped)])
        #expect(state.phase == .ended)
    }

    @Test("a stop while starting stops what has been started and starts nothing more")
    func stopWhileStarting() {
        var state = ServiceGroupState(count: 3, drain: .seconds(20), grace: .seconds(2))
        _ = state.begin()
        _ = state.becameReady(0)
        #expect(state.stopRequested(now: Self.now) == [.setDeadline(Self.drainEnd), .requestStop(1)])
        #expect(state.becameReady(1).isEmpty)
        #expect(state.ended(1, failure: nil, now: Self.now) == [.requestStop(0)])
        #expect(state.ended(0, failure: nil, now: Self.now) == [.end(.stopped)])
    }

    @Test("a service that returns unasked stops the group, and the outcome says which")
    func returns() {
        var state = Self.running(2)
        #expect(
            state.ended(1, failure: nil, now: Self.now) == [.setDeadline(Self.drainEnd), .requestStop(0)])
        #expect(state.ended(0, failure: nil, now: Self.now) == [.end(.serviceEnded(index: 1, reason: nil))])
    }

    @Test("the first failure is the outcome, whatever fails behind it")
    func fails() {
        var state = Self.running(2)
        _ = state.ended(0, failure: Broken(), now: Self.now)
        let actions = state.ended(1, failure: CancellationError(), now: Self.now)
        #expect(actions == [.end(.serviceEnded(index: 0, reason: "Broken()"))])
    }

    @Test("a failure while stopping is the outcome; a cancellation then is not")
    func failsWhileStopping() {
        var state = Self.running(2)
        _ = state.stopRequested(now: Self.now)
        _ = state.ended(1, failure: CancellationError(), now: Self.now)
        let actions = state.ended(0, failure: Broken(), now: Self.now)
        #expect(actions == [.end(.serviceEnded(index: 0, reason: "Broken()"))])
    }

    @Test("at the deadline what is left is cancelled, and after the grace abandoned")
    func deadline() {
        var state = Self.running(3)
        _ = state.stopRequested(now: Self.now)
        _ = state.ended(2, failure: nil, now: Self.now)
        #expect(
            state.deadlinePassed(now: Self.drainEnd)
                == [.cancel([0, 1]), .setDeadline(Self.drainEnd.advanced(by: .seconds(2)))])
        #expect(state.ended(1, failure: CancellationError(), now: Self.drainEnd).isEmpty)
        #expect(
            state.deadlinePassed(now: Self.drainEnd.advanced(by: .seconds(2))) == [.end(.drainDeadlinePassed([0, 1]))])
        #expect(state.ended(0, failure: nil, now: Self.drainEnd).isEmpty)
    }

    @Test("a deadline that fires before anything stops does nothing")
    func earlyDeadline() {
        var state = Self.running(1)
        #expect(state.deadlinePassed(now: Self.now).isEmpty)
    }
}

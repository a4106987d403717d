import Clocks
import LocalStack
import TestSupport
import Testing

@Suite("Keeping a child running")
struct ProcessKeeperTests {
    private func shell(_ script: String) async throws -> Launch {
        Launch("/bin/sh", ["-c", script], logFile: try await TestFolder.make("kept") + "/child.log")
    }

    private func keeper(
        _ launch: Launch, time: any TimeSource
    ) -> (ProcessKeeper, AsyncStream<ProcessKeeper.Event>.Iterator) {
        let (events, continuation) = AsyncStream<ProcessKeeper.Event>.makeStream()
        let keeper = ProcessKeeper(
            label: "child", patience: .seconds(10), time: time, start: { try await ChildProcess.start(launch) },
            observer: { continuation.yield($0) })
        return (keeper, events.makeAsyncIterator())
    }

    @Test("a dead child is told of with its last lines and started again after the backoff")
    func restarts() async throws {
        let time = TestTime()
        let (keeper, events) = keeper(try await shell("echo first; echo last; exit 9"), time: time)
        var iterator = events
        let running = Task { await keeper.run() }
        var pids: Set<Int32> = []
        for delay in [200, 400, 800] {
            guard case .started(let pid, _) = await iterator.next() else { throw WaitedTooLong(what: "a start") }
            pids.insert(pid)
            guard case .died(let status, let lines, let wait) = await iterator.next() else {
                throw WaitedTooLong(what: "a death")
            }
            #expect(status == .code(9))
            #expect(lines.suffix(2) == ["first", "last"])
            #expect(wait == .milliseconds(delay))
            #expect(try await time.nextTimerScheduled() == time.now.advanced(by: wait))
            time.advance(by: wait)
        }
        #expect(pids.count == 3)
        running.cancel()
        await running.value
        #expect(keeper.deaths >= 3)
    }

    @Test("cancelling stops the child and waits for its end")
    func cancelling() async throws {
        let launch = try await shell("trap 'echo stopped; exit 0' TERM; echo up; while :; do sleep 0.01; done")
        let (keeper, events) = keeper(launch, time: SystemTime())
        var iterator = events
        let running = Task { await keeper.run() }
        _ = await iterator.next()
        let child = try #require(keeper.child)
        try await waitForLine("up", of: child)
        running.cancel()
        await running.value
        #expect(child.ended == .code(0))
        #expect(child.lastLines().last == "stopped")
        #expect(keeper.deaths == 0)
    }

    @Test("a program that cannot be started is tried again")
    func cannotStart() async throws {
        let time = TestTime()
        let (keeper, events) = keeper(Launch("/no/such/program"), time: time)
        var iterator = events
        let running = Task { await keeper.run() }
        guard case .startFailed(let reason, let wait) = await iterator.next() else {
            throw WaitedTooLong(what: "a failure")
        }
        #expect(reason == "/no/such/program is not installed or not in PATH")
        #expect(wait == .milliseconds(200))
        running.cancel()
        await running.value
    }
}

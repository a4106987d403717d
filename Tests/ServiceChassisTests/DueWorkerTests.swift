import Clocks
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Due work", .timeLimit(.minutes(1)))
struct DueWorkerTests {
    /// Work that lies in memory: how much is due, who works, and what may be begun.
    private final class Heap: DueWork {
        struct State {
            var due = 0
            var next: Duration?
            var admission = CallAdmission.open
            var claims: [Int] = []
            var running: [CheckedContinuation<Void, Never>] = []
            var claimFails = false
        }

        struct Failure: Error {}

        let state: Mutex<State>

        init(due: Int = 0, admission: CallAdmission = .open) {
            state = Mutex(State(due: due, admission: admission))
        }

        var admission: CallAdmission { state.withLock { $0.admission } }

        func claim(limit: Int) async throws -> [Int] {
            try state.withLock { state in
                if state.claimFails { throw Failure() }
                let count = min(limit, state.due)
                state.due -= count
                state.claims.append(count)
                return Array(0..<count)
            }
        }

        func work(on item: Int) async {
            await withCheckedContinuation { continuation in state.withLock { $0.running.append(continuation) } }
        }

        func untilNextDue() async throws -> Duration? { state.withLock { $0.due > 0 ? .zero : $0.next } }

        /// Ends the work on one item.
        func finishOne() {
            state.withLock { $0.running.isEmpty ? nil : $0.running.removeFirst() }?.resume()
        }

        func finishAll() {
            for continuation in state.withLock({ state in
                defer { state.running = [] }
                return state.running
            }) { continuation.resume() }
        }

        var claims: [Int] { state.withLock { $0.claims } }

        func until(_ condition: (State) -> Bool) async {
            while !state.withLock({ condition($0) }) { await Task.yield() }
        }
    }

    private func with(
        _ heap: Heap, concurrency: Int = 4, _ body: (DueWorker<Heap>, TestTime) async throws -> Void
    ) async throws {
        let time = TestTime()
        let worker = DueWorker(heap, concurrency: concurrency, time: time, log: .silent)
        let running = Task { await worker.run() }
        try await body(worker, time)
        running.cancel()
        let ender = Task {
            while !Task.isCancelled {
                heap.finishAll()
                await Task.yield()
            }
        }
        await running.value
        ender.cancel()
    }

    @Test("no more is worked on at a time than there is room for, and whoever ends makes room")
    func bounded() async throws {
        let heap = Heap(due: 6)
        try await with(heap) { _, _ in
            await heap.until { $0.running.count == 4 }
            #expect(heap.claims == [4])
            heap.finishOne()
            await heap.until { $0.running.count == 4 && $0.due == 1 }
            heap.finishAll()
            await heap.until { $0.running.count == 1 && $0.due == 0 }
        }
    }

    @Test("it sleeps until the next item is due, at most for the idle interval, and wakes when told")
    func sleeps() async throws {
        let heap = Heap()
        heap.state.withLock { $0.next = .seconds(2) }
        try await with(heap) { worker, time in
            let start = time.now
            let first = try await time.nextTimerScheduled()
            #expect(first == start.advanced(by: .seconds(2)))
            heap.state.withLock { $0.next = .seconds(3600) }
            time.advance(by: .seconds(2))
            let second = try await time.nextTimerScheduled()
            #expect(second == start.advanced(by: .seconds(7)), "five seconds idle")
            heap.state.withLock { $0.due = 1 }
            worker.notify()
            await heap.until { $0.running.count == 1 }
            #expect(time.now == start.advanced(by: .seconds(2)))
        }
    }

    @Test("while nothing gets through nothing is claimed, and it goes on as soon as something may")
    func refusing() async throws {
        let heap = Heap(due: 3, admission: .refusing(until: TestTime().now.advanced(by: .milliseconds(1500))))
        try await with(heap) { worker, time in
            let wake = try await time.nextTimerScheduled()
            #expect(wake == time.now.advanced(by: .milliseconds(1500)))
            worker.notify()
            _ = try await time.nextTimerScheduled()
            #expect(heap.claims.isEmpty)
            heap.state.withLock { $0.admission = .probing(1) }
            time.advance(to: wake)
            await heap.until { $0.running.count == 1 }
            #expect(heap.claims == [1], "one probe at a time")
            heap.state.withLock { $0.admission = .open }
            heap.finishAll()
            await heap.until { $0.running.count == 2 }
        }
    }

    @Test("asked to stop it claims nothing more, and what is under way ends, within the patience there is")
    func stops() async throws {
        for endsInTime in [true, false] {
            let heap = Heap(due: 1)
            let time = TestTime()
            let worker = DueWorker(heap, time: time, log: .silent)
            let life = ServiceLife()
            let part = Task { try await worker.part("due", patience: .seconds(3)).run(life) }
            await heap.until { $0.running.count == 1 }
            let claims = heap.claims.count
            heap.state.withLock { $0.due = 1 }
            life.stop()
            if endsInTime {
                while true {
                    let timer = try await time.nextTimerScheduled()
                    if timer == time.now.advanced(by: .seconds(3)) { break }
                }
                heap.finishAll()
            } else {
                while time.now < TestTime().now.advanced(by: .seconds(3)) {
                    let timer = try await time.nextTimerScheduled()
                    if timer == time.now.advanced(by: .seconds(3)) { time.advance(to: timer) }
                }
                // This work does not obey cancellation, as work should.
                heap.finishAll()
            }
            try await part.value
            #expect(heap.claims.count == claims)
        }
    }

    @Test("a claim that fails is tried again after a second")
    func failing() async throws {
        let heap = Heap(due: 1)
        heap.state.withLock { $0.claimFails = true }
        try await with(heap) { _, time in
            let wake = try await time.nextTimerScheduled()
            #expect(wake == time.now.advanced(by: .seconds(1)))
            heap.state.withLock { $0.claimFails = false }
            time.advance(to: wake)
            await heap.until { $0.running.count == 1 }
        }
    }
}

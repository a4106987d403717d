import Clocks
import Synchronization
import Testing

@testable import Messaging

@Suite("Group commit")
struct GroupCommitTests {
    /// Writes batches when the test lets it.
    private final class Press: Sendable {
        private struct State {
            var batches: [[Int]] = []
            var gates: [CheckedContinuation<Void, Never>] = []
            var isOpen: Bool
        }

        private let state: Mutex<State>

        init(isOpen: Bool = true) { state = Mutex(State(isOpen: isOpen)) }

        var batches: [[Int]] { state.withLock { $0.batches } }

        func write(_ inputs: [Int]) async -> [Result<Int, any Error>] {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.batches.append(inputs)
                    if !state.isOpen { state.gates.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            return inputs.map { .success($0 * 10) }
        }

        func open() {
            let gates = state.withLock { state in
                state.isOpen = true
                defer { state.gates = [] }
                return state.gates
            }
            for gate in gates { gate.resume() }
        }
    }

    private func until(_ condition: () -> Bool) async {
        let end = SystemTime().now.advanced(by: .seconds(10))
        while !condition(), SystemTime().now < end { await Task.yield() }
        #expect(condition())
    }

    private func commits(
        _ press: Press, waiting: Int = 100, flushes: Int = 1, batch: Int = 64
    ) -> GroupCommit<Int, Int> {
        GroupCommit(maximumBatch: batch, maximumWaiting: waiting, flushes: flushes) { await press.write($0) }
    }

    @Test("an input that is alone is written at once, alone")
    func alone() async throws {
        let press = Press()
        let commits = commits(press)
        let running = Task { await commits.run() }
        #expect(try await commits.submit(1) == 10)
        #expect(try await commits.submit(2) == 20)
        #expect(press.batches == [[1], [2]])
        running.cancel()
        await running.value
    }

    @Test("what arrives while others are written is written together, up to the bound, and each gets its own result")
    func together() async throws {
        let press = Press(isOpen: false)
        let commits = commits(press, batch: 4)
        let running = Task { await commits.run() }
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            group.addTask { (1, try await commits.submit(1)) }
            await until { press.batches == [[1]] }
            for input in 2...7 { group.addTask { (input, try await commits.submit(input)) } }
            // Nobody is told of the wait, so it is left long enough to show that no batch begins.
            for _ in 0..<200 { await Task.yield() }
            #expect(press.batches == [[1]])
            press.open()
            for try await (input, output) in group { #expect(output == input * 10) }
        }
        #expect(press.batches.flatMap { $0 }.sorted() == Array(1...7))
        #expect(press.batches.allSatisfy { $0.count <= 4 })
        #expect(press.batches.count < 7)
        running.cancel()
        await running.value
    }

    @Test("when too many wait, the next is refused and nothing is written for it")
    func full() async throws {
        let press = Press(isOpen: false)
        let commits = commits(press, waiting: 0)
        await #expect(throws: GroupCommit<Int, Int>.Rejection.full) { try await commits.submit(1) }
        #expect(press.batches.isEmpty)
    }

    @Test("at the stop everything that was taken is written, and what comes later is refused")
    func drained() async throws {
        let press = Press(isOpen: false)
        let commits = commits(press)
        let running = Task { await commits.run() }
        async let first = commits.submit(1)
        await until { press.batches == [[1]] }
        async let second = commits.submit(2)
        for _ in 0..<200 { await Task.yield() }
        running.cancel()
        press.open()
        #expect(try await first == 10)
        #expect(try await second == 20)
        await running.value
        await #expect(throws: GroupCommit<Int, Int>.Rejection.stopped) { try await commits.submit(3) }
        #expect(press.batches == [[1], [2]])
    }

    @Test("what nobody waits for any more when its batch begins is not written")
    func expired() async throws {
        let press = Press()
        let commits = GroupCommit<Int, Int>(
            maximumBatch: 64, maximumWaiting: 100, flushes: 1, isExpired: { $0 < 0 }
        ) { await press.write($0) }
        let running = Task { await commits.run() }
        await #expect(throws: GroupCommit<Int, Int>.Rejection.expired) { try await commits.submit(-1) }
        #expect(try await commits.submit(2) == 20)
        #expect(press.batches == [[2]])
        running.cancel()
        await running.value
    }
}

import Clocks
import Testing

/// Calls that end when the test says so, or are cancelled.
final class HeldCalls: Sendable {
    private struct State {
        var begun: [Int] = []
        var cancelled: [Int] = []
        var held: [Int: CheckedContinuation<Int, any Error>] = [:]
    }

    private let state = Lock(State())

    /// The numbers of the calls, in the order they began.
    var begun: [Int] { state.withLock { $0.begun } }
    /// The numbers of the calls that ended because they were cancelled.
    var cancelled: [Int] { state.withLock { $0.cancelled.sorted() } }
    var underWay: Int { state.withLock { $0.held.count } }

    func run(_ number: Int) async throws -> Int {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    let isCancelled = Task.isCancelled
                    state.begun.append(number)
                    if isCancelled { state.cancelled.append(number) } else { state.held[number] = continuation }
                    return isCancelled
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let held = state.withLock { state in
                let held = state.held.removeValue(forKey: number)
                if held != nil { state.cancelled.append(number) }
                return held
            }
            held?.resume(throwing: CancellationError())
        }
    }

    /// Ends the call, which must be under way.
    func end(_ number: Int, _ result: Result<Int, any Error>) async {
        await until { self.state.withLock { $0.held[number] != nil } }
        state.withLock { $0.held.removeValue(forKey: number) }?.resume(with: result)
    }
}

/// Waits, without sleeping, until the condition holds; five minutes at most: the machine may be busy, and a sanitizer slow.
func until(_ condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) async {
    let end = SystemTime().now.advanced(by: .seconds(300))
    while !condition(), SystemTime().now < end { await Task.yield() }
    #expect(condition(), sourceLocation: location)
}

import Clocks
import Resilience

/// A source of values whose answers the test gives. A fetch sees what is known when the question arrives, as a database
/// would.
final class SourceDouble: Sendable {
    private struct State {
        var values: [String: Int]
        var asked: [[String]] = []
        var deadlines: [Deadline] = []
        var currents: [Deadline?] = []
        var cancelled = 0
        var isDown = false
        var isHeld: Bool
        var lastID = 0
        var held: [Int: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state: Lock<State>

    init(_ values: [String: Int] = [:], isHeld: Bool = false) {
        state = Lock(State(values: values, isHeld: isHeld))
    }

    /// The keys of every fetch, sorted.
    var asked: [[String]] { state.withLock { $0.asked } }
    /// What each fetch was given as its deadline.
    var deadlines: [Deadline] { state.withLock { $0.deadlines } }
    /// What each fetch saw as its task's deadline.
    var currents: [Deadline?] { state.withLock { $0.currents } }
    var cancelled: Int { state.withLock { $0.cancelled } }

    func set(_ key: String, _ value: Int?) { state.withLock { $0.values[key] = value } }
    func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
    func hold() { state.withLock { $0.isHeld = true } }

    func letGo() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [:] }
            return state.held
        }
        for continuation in held.values { continuation.resume() }
    }

    func fetch(_ keys: [String], _ deadline: Deadline) async throws -> [String: Int] {
        let (values, isDown, id) = state.withLock { state in
            state.asked.append(keys.sorted())
            state.deadlines.append(deadline)
            state.currents.append(Deadline.current)
            state.lastID += 1
            return (state.values, state.isDown, state.lastID)
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let end = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if !state.isHeld { return .success(()) }
                    state.held[id] = continuation
                    return nil
                }
                if let end { continuation.resume(with: end) }
            }
        } onCancel: {
            let held = state.withLock { state in
                state.cancelled += 1
                return state.held.removeValue(forKey: id)
            }
            held?.resume(throwing: CancellationError())
        }
        if isDown { throw ProviderDown() }
        return values.filter { keys.contains($0.key) }
    }
}

import Clocks
import Messaging
import Synchronization

/// A broker in an array: it takes what it is told to take.
final class RecordingPublisher: MessagePublisher {
    private struct State {
        var taken: [OutgoingMessage] = []
        var calls = 0
        var pause: Duration?
        var refuses: @Sendable (OutgoingMessage, _ call: Int) -> Bool
    }

    private let state: Mutex<State>

    /// - Parameter refuses: which messages it refuses in its n-th call, from 1.
    init(refusing refuses: @escaping @Sendable (OutgoingMessage, _ call: Int) -> Bool = { _, _ in false }) {
        state = Mutex(State(refuses: refuses))
    }

    var taken: [OutgoingMessage] { state.withLock { $0.taken } }
    var calls: Int { state.withLock { $0.calls } }

    /// Nothing is to be handed over for that long, or until it is set to nil.
    var pause: Duration? {
        get { state.withLock { $0.pause } }
        set { state.withLock { $0.pause = newValue } }
    }

    /// What was taken for a topic, as text.
    func texts(_ topic: String) -> [String] {
        taken.filter { $0.topic == topic }.map { String(decoding: $0.envelope.payload, as: UTF8.self) }
    }

    func publish(_ messages: [OutgoingMessage], deadline _: MonotonicInstant) async -> [PublishFailure?] {
        state.withLock { state in
            state.calls += 1
            return messages.map { message in
                if state.refuses(message, state.calls) {
                    return PublishFailure(message: "the broker is away", isRetriable: true)
                }
                state.taken.append(message)
                return nil
            }
        }
    }
}

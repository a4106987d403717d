import Clocks
import Synchronization

/// Many deadlines, one sleeping task: calls back when a deadline comes, unless it was cancelled before.
///
/// Setting and cancelling cost a short lock and no task. The task lives while there are deadlines to wait for, and
/// is replaced only when an earlier one is set. Callbacks must not block.
final class DeadlineTimer: Sendable {
    /// Names one deadline that was set.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let instant: MonotonicInstant
        let number: UInt64
    }

    private struct State {
        /// A binary heap with the earliest first. Cancelled entries stay until they surface or outnumber the others.
        var heap: [Entry] = []
        var callbacks: [UInt64: @Sendable () -> Void] = [:]
        var lastNumber: UInt64 = 0
        var sleeper: Task<Void, Never>?
        var wakesAt = MonotonicInstant.distantFuture
        /// Tells the sleeper in charge from one that was replaced.
        var sleeperNumber: UInt64 = 0
    }

    private let time: any TimeSource
    private let state = Mutex(State())

    init(time: any TimeSource) {
        self.time = time
    }

    func set(_ instant: MonotonicInstant, _ callback: @escaping @Sendable () -> Void) -> Ticket {
        state.withLock { state in
            state.lastNumber += 1
            let entry = Entry(instant: instant, number: state.lastNumber)
            state.callbacks[entry.number] = callback
            state.heap.push(entry) { $0.instant < $1.instant }
            if instant < state.wakesAt { replaceSleeper(until: instant, &state) }
            return Ticket(number: entry.number)
        }
    }

    /// Forgets the deadline. A callback that has begun is not waited for.
    func cancel(_ ticket: Ticket) {
        state.withLock { state in
            guard state.callbacks.removeValue(forKey: ticket.number) != nil else { return }
            if state.heap.count > 64, state.heap.count > 2 * state.callbacks.count {
                let live = state.heap.filter { state.callbacks[$0.number] != nil }
                state.heap.removeAll(keepingCapacity: true)
                for entry in live { state.heap.push(entry) { $0.instant < $1.instant } }
            }
        }
    }

    private func replaceSleeper(until instant: MonotonicInstant, _ state: inout State) {
        state.sleeper?.cancel()
        state.sleeperNumber += 1
        state.wakesAt = instant
        let number = state.sleeperNumber
        state.sleeper = Task.detached { [self] in await sleep(until: instant, as: number) }
    }

    private func sleep(until first: MonotonicInstant, as number: UInt64) async {
        var instant = first
        while true {
            do { try await time.sleep(until: instant) } catch { return }
            let now = time.now
            var due: [@Sendable () -> Void] = []
            let next = state.withLock { state -> MonotonicInstant? in
                guard state.sleeperNumber == number else { return nil }
                while let entry = state.heap.first, entry.instant <= now || state.callbacks[entry.number] == nil {
                    _ = state.heap.pop { $0.instant < $1.instant }
                    if let callback = state.callbacks.removeValue(forKey: entry.number) { due.append(callback) }
                }
                state.wakesAt = state.heap.first?.instant ?? .distantFuture
                if state.heap.isEmpty { state.sleeper = nil }
                return state.heap.first?.instant
            }
            for callback in due { callback() }
            guard let next else { return }
            instant = next
        }
    }
}

extension Array {
    fileprivate mutating func push(_ element: Element, _ isBefore: (Element, Element) -> Bool) {
        append(element)
        var child = count - 1
        while child > 0, isBefore(self[child], self[(child - 1) / 2]) {
            swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    fileprivate mutating func pop(_ isBefore: (Element, Element) -> Bool) -> Element? {
        guard let first else { return nil }
        swapAt(0, count - 1)
        removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < count && isBefore(self[child], self[least]) {
                least = child
            }
            guard least != parent else { return first }
            swapAt(parent, least)
            parent = least
        }
    }
}

import Clocks

/// Many deadlines, one sleeping task: calls back when a deadline comes, unless it was cancelled before.
///
/// Setting and cancelling cost a short lock and no task. The task lives while there are deadlines to wait for, and
/// is replaced only when an earlier one is set. Callbacks must not block.
@usableFromInline
final class DeadlineTimer: Sendable {
    /// Names one deadline that was set.
    @usableFromInline
    struct Ticket: Hashable, Sendable {
        fileprivate let slot: Int
        fileprivate let number: UInt64
    }

    private struct Entry {
        let instant: MonotonicInstant
        let ticket: Ticket
    }

    /// Where the callback of a deadline waits. Slots are used again, so setting allocates nothing in the long run.
    private struct Slot {
        /// The deadline it belongs to; 0 when it is free.
        var number: UInt64 = 0
        var callback: (@Sendable () -> Void)?
    }

    private struct State {
        /// A binary heap with the earliest first. Cancelled entries stay until they surface or outnumber the others.
        var heap: [Entry] = []
        var slots: [Slot] = []
        var freeSlots: [Int] = []
        var lastNumber: UInt64 = 0
        var sleeper: Task<Void, Never>?
        var wakesAt = MonotonicInstant.distantFuture
        /// Tells the sleeper in charge from one that was replaced.
        var sleeperNumber: UInt64 = 0

        var pending: Int { slots.count - freeSlots.count }

        func isPending(_ ticket: Ticket) -> Bool { slots[ticket.slot].number == ticket.number }

        mutating func dropCancelled() {
            let slots = slots
            heap.removeAll { slots[$0.ticket.slot].number != $0.ticket.number }
            heap.makeHeap { $0.instant < $1.instant }
        }

        mutating func occupy(_ callback: @escaping @Sendable () -> Void) -> Ticket {
            lastNumber += 1
            let slot = freeSlots.popLast() ?? slots.count
            if slot == slots.count { slots.append(Slot()) }
            slots[slot].number = lastNumber
            slots[slot].callback = callback
            return Ticket(slot: slot, number: lastNumber)
        }

        /// The callback; nil if the deadline is not pending any more.
        mutating func vacate(_ ticket: Ticket) -> (@Sendable () -> Void)? {
            guard isPending(ticket) else { return nil }
            slots[ticket.slot].number = 0
            freeSlots.append(ticket.slot)
            return slots[ticket.slot].callback.take()
        }
    }

    private let time: any TimeSource
    private let state = Lock(State())

    init(time: any TimeSource) {
        self.time = time
    }

    /// How many deadlines are set.
    var pending: Int { state.withLock { $0.pending } }

    /// How many deadlines it remembers, those included that were cancelled.
    var remembered: Int { state.withLock { $0.heap.count } }

    func set(_ instant: MonotonicInstant, _ callback: @escaping @Sendable () -> Void) -> Ticket {
        state.withLock { state in
            let ticket = state.occupy(callback)
            state.heap.push(Entry(instant: instant, ticket: ticket)) { $0.instant < $1.instant }
            if instant < state.wakesAt { replaceSleeper(until: instant, &state) }
            return ticket
        }
    }

    /// Forgets the deadline. A callback that has begun is not waited for.
    ///
    /// - Parameter endsSleep: Whether the sleeping task ends when there is nothing left to wait for. Otherwise it sleeps
    ///   on to the moment it was set to, which saves a task where deadlines come and go all the time.
    @usableFromInline
    func cancel(_ ticket: Ticket, endsSleep: Bool = false) {
        // The callback ends outside of the lock, with whatever it holds.
        let callback = state.withLock { state -> (@Sendable () -> Void)? in
            let callback = state.vacate(ticket)
            if endsSleep, state.pending == 0 {
                state.sleeper?.cancel()
                state.sleeper = nil
                state.sleeperNumber += 1
                state.wakesAt = .distantFuture
                state.heap.removeAll(keepingCapacity: true)
            } else if state.heap.count > 64, state.heap.count > 2 * state.pending {
                state.dropCancelled()
            }
            return callback
        }
        _ = consume callback
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
                while let entry = state.heap.first, entry.instant <= now || !state.isPending(entry.ticket) {
                    _ = state.heap.pop { $0.instant < $1.instant }
                    if let callback = state.vacate(entry.ticket) { due.append(callback) }
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
        siftDown(from: 0, isBefore)
        return first
    }

    fileprivate mutating func makeHeap(_ isBefore: (Element, Element) -> Bool) {
        for parent in stride(from: count / 2 - 1, through: 0, by: -1) { siftDown(from: parent, isBefore) }
    }

    private mutating func siftDown(from start: Int, _ isBefore: (Element, Element) -> Bool) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < count && isBefore(self[child], self[least]) {
                least = child
            }
            guard least != parent else { return }
            swapAt(parent, least)
            parent = least
        }
    }
}

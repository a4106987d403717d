import Clocks

/// Deadlines with the key of whom they concern, earliest first: a binary heap.
///
/// There is no removal: a deadline that moved fires at its old time and its owner, who knows better, sets it anew. A
/// connection that is used all the time thus costs one entry a minute and not one a request.
struct DeadlineQueue {
    private var heap: [(at: MonotonicInstant, key: UInt64)] = []

    var count: Int { heap.count }
    var next: MonotonicInstant? { heap.first?.at }

    mutating func add(_ key: UInt64, at instant: MonotonicInstant) {
        heap.append((instant, key))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest deadline out if it has come.
    mutating func popDue(_ now: MonotonicInstant) -> (at: MonotonicInstant, key: UInt64)? {
        guard let first = heap.first, first.at <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            let right = left + 1
            var smallest = parent
            if left < heap.count, heap[left].at < heap[smallest].at { smallest = left }
            if right < heap.count, heap[right].at < heap[smallest].at { smallest = right }
            guard smallest != parent else { return first }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}

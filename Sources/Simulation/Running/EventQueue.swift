/// What is to happen, by virtual time; what is to happen at the same time happens in the order of being scheduled.
struct EventQueue {
    private struct Entry {
        var at: Instant
        var number: UInt64
        var event: Event
    }

    private var heap: [Entry] = []
    private var number: UInt64 = 0

    var count: Int { heap.count }

    mutating func push(_ event: Event, at: Instant) {
        number += 1
        heap.append(Entry(at: at, number: number, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isEarlier(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (at: Instant, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.at, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isEarlier(child, least) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].number) < (heap[right].at, heap[right].number)
    }
}

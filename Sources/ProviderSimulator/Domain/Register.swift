import Clocks

/// Entries by key, in the order in which they came.
struct Register<Entry: Sendable>: Sendable {
    private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    var count: Int { entries.count }

    subscript(key: String) -> Entry? { positions[key].map { entries[$0] } }

    /// Puts the entry in its place, at the end when its key is new; returns the one it replaces.
    mutating func put(_ entry: Entry, key: String) -> Entry? {
        guard let position = positions[key] else {
            positions[key] = entries.count
            entries.append(entry)
            return nil
        }
        let old = entries[position]
        entries[position] = entry
        return old
    }

    /// Up to `limit` entries from a position on, with the positions they have.
    func page(from start: Int, limit: Int) -> [(position: Int, entry: Entry)] {
        guard start >= 0, start < entries.count else { return [] }
        return entries[start...].prefix(limit).enumerated().map { (start + $0.offset, $0.element) }
    }
}

/// What is due when, earliest first: a binary heap.
///
/// There is no removal: who takes something out looks whether it is still due.
struct DueQueue<Item: Sendable>: Sendable {
    private var heap: [(at: Timestamp, item: Item)] = []

    var next: Timestamp? { heap.first?.at }

    mutating func add(_ item: Item, at time: Timestamp) {
        heap.append((time, item))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the earliest if its time has come.
    mutating func popDue(_ now: Timestamp) -> Item? {
        guard let first = heap.first, first.at <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            var earliest = parent
            for child in [left, left + 1] where child < heap.count && heap[child].at < heap[earliest].at {
                earliest = child
            }
            guard earliest != parent else { return first.item }
            heap.swapAt(parent, earliest)
            parent = earliest
        }
    }
}

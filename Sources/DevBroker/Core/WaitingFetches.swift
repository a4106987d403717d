import Clocks

/// A fetch that is put by until there is enough for it.
struct WaitingFetch {
    var address: ReplyAddress
    var deadline: MonotonicInstant
    /// Bytes to wait for.
    var minimum: Int
    var maximum: Int
    var topics: [FetchRequest.Topic]
    fileprivate var slots: [Int] = []

    init(
        address: ReplyAddress, deadline: MonotonicInstant, minimum: Int, maximum: Int, topics: [FetchRequest.Topic]
    ) {
        self.address = address
        self.deadline = deadline
        self.minimum = minimum
        self.maximum = maximum
        self.topics = topics
    }
}

/// The fetches that wait, at most one for a connection: each is named at the partitions it waits for and in a heap of
/// deadlines.
struct WaitingFetches {
    private var waiting: [ConnectionKey: WaitingFetch] = [:]
    private var woken: [ConnectionKey] = []
    private var deadlines = DeadlineHeap()
    /// Of each connection the partitions of its last fetch that waited, and since when they are these.
    private var known: [ConnectionKey: (slots: Set<Int>, since: MonotonicInstant)] = [:]

    var count: Int { waiting.count }

    subscript(connection: ConnectionKey) -> WaitingFetch? { waiting[connection] }

    /// Puts a fetch by, for less long than it asks while the partitions of its connection are new.
    ///
    /// A consumer that has been given partitions begins with those whose offset it knows first, and cannot ask for the
    /// others while it waits: without this they would stand for as long as a fetch may last.
    mutating func add(_ fetch: WaitingFetch, now: MonotonicInstant, _ topics: inout TopicTable) {
        var fetch = fetch
        let connection = fetch.address.connection
        let slots = fetch.topics.flatMap { topic in
            topic.partitions.compactMap { topics.slot(topic.name, $0.number) }
        }
        let distinct = Set(slots)
        if known[connection]?.slots != distinct { known[connection] = (distinct, now) }
        if let since = known[connection]?.since, now < since.advanced(by: topics.limits.freshTime) {
            fetch.deadline = min(fetch.deadline, now.advanced(by: topics.limits.freshFetchWait))
        }
        fetch.slots = Array(distinct)
        for slot in fetch.slots { topics[slot].waiters.append(connection) }
        waiting[connection] = fetch
        deadlines.add(connection, at: fetch.deadline)
    }

    /// Takes a connection's fetch out, from its partitions too.
    mutating func take(_ connection: ConnectionKey, _ topics: inout TopicTable) -> WaitingFetch? {
        guard let fetch = waiting.removeValue(forKey: connection) else { return nil }
        for slot in fetch.slots { topics[slot].waiters.removeAll { $0 == connection } }
        return fetch
    }

    /// Forgets a connection that is gone.
    mutating func forget(_ connection: ConnectionKey, _ topics: inout TopicTable) {
        _ = take(connection, &topics)
        known[connection] = nil
    }

    /// Notes that something has come for these connections.
    mutating func wake(_ connections: [ConnectionKey]) { woken += connections }

    /// The connections for which something has come since the last call, each once.
    mutating func takeWoken() -> [ConnectionKey] {
        guard !woken.isEmpty else { return [] }
        defer { woken.removeAll(keepingCapacity: true) }
        var seen: Set<ConnectionKey> = []
        return woken.filter { seen.insert($0).inserted }
    }

    /// The earliest deadline of a fetch that still waits.
    mutating func deadline() -> MonotonicInstant? {
        while let first = deadlines.first {
            if waiting[first.connection]?.deadline == first.at { return first.at }
            deadlines.removeFirst()
        }
        return nil
    }

    /// A connection whose fetch has waited long enough.
    mutating func popDue(_ now: MonotonicInstant) -> ConnectionKey? {
        guard let next = deadline(), next <= now, let first = deadlines.first else { return nil }
        deadlines.removeFirst()
        return first.connection
    }
}

/// Deadlines with the connection they concern, earliest first: a binary heap.
///
/// There is no removal: an entry whose fetch has been answered is left over and stepped over when its time comes.
struct DeadlineHeap {
    private var heap: [(at: MonotonicInstant, connection: ConnectionKey)] = []

    var first: (at: MonotonicInstant, connection: ConnectionKey)? { heap.first }

    mutating func add(_ connection: ConnectionKey, at instant: MonotonicInstant) {
        heap.append((instant, connection))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard !heap.isEmpty else { return }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            let right = left + 1
            var smallest = parent
            if left < heap.count, heap[left].at < heap[smallest].at { smallest = left }
            if right < heap.count, heap[right].at < heap[smallest].at { smallest = right }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}

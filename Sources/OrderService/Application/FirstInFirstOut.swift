/// A queue whose both ends cost the same however long it is.
struct FirstInFirstOut<Element: Sendable>: Sendable {
    private var arrived: [Element] = []
    /// The oldest last.
    private var leaving: [Element] = []

    var count: Int { arrived.count + leaving.count }
    var isEmpty: Bool { arrived.isEmpty && leaving.isEmpty }

    mutating func append(_ element: Element) {
        arrived.append(element)
    }

    /// Takes the oldest element, leaving out those before it that `isStale`.
    mutating func next(_ isStale: (Element) -> Bool) -> Element? {
        while true {
            if leaving.isEmpty {
                leaving = arrived.reversed()
                arrived.removeAll(keepingCapacity: true)
            }
            guard let oldest = leaving.popLast() else { return nil }
            if !isStale(oldest) { return oldest }
        }
    }
}

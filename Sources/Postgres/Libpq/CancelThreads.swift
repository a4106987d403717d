import Synchronization

/// Counts the threads that ask a server to cancel: each stays until the server answers or its connection breaks.
enum CancelThreads {
    /// A server that answers no cancel request gets no more of them; the connections are given up all the same.
    private static let limit = 16
    private static let count = Atomic(0)

    /// False when as many as may be are under way.
    static func begin() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            end()
            return false
        }
        return true
    }

    static func end() {
        count.subtract(1, ordering: .relaxed)
    }
}

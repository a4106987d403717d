import Clocks

/// Waiting that ends.
enum Deadlines {
    /// What `body` returns, or nil when it has not returned within `limit`; it is then cancelled and waited for, so it has
    /// to obey that.
    static func first<Value: Sendable>(
        within limit: Duration, time: any TimeSource, _ body: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await time.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// Asks `condition` every `interval` until it holds.
    ///
    /// - Returns: whether it held within `limit`; false when the task was cancelled.
    static func wait(
        upTo limit: Duration, every interval: Duration = .milliseconds(50), time: any TimeSource,
        until condition: () async -> Bool
    ) async -> Bool {
        let deadline = time.now.advanced(by: limit)
        while true {
            if await condition() { return true }
            guard time.now < deadline, (try? await time.sleep(for: interval)) != nil else { return false }
        }
    }
}

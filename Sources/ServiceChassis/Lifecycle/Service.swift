/// A part of the process that runs from start to stop: a pool, a consumer, a relay, a listener.
package protocol Service: Sendable {
    /// What the part is called in logs and errors.
    var name: String { get }

    /// Runs the part until `life` asks it to stop, then ends its work and returns.
    ///
    /// Call ``ServiceLife/ready()`` once the parts behind this one in the group may rely on it. Returning or throwing before
    /// being asked to stop ends the whole group. When the group's patience is over the task is cancelled and has to
    /// return at once.
    func run(_ life: ServiceLife) async throws
}

/// A service made of a closure.
package struct ClosureService: Service {
    package let name: String
    private let body: @Sendable (ServiceLife) async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable (ServiceLife) async throws -> Void) {
        self.name = name
        self.body = body
    }

    package func run(_ life: ServiceLife) async throws {
        try await body(life)
    }
}

extension ClosureService {
    /// A part that knows only cancellation: it is ready as soon as `ready` returns, and being asked to stop cancels `run`.
    ///
    /// `ready` runs beside `run` and may be cancelled while it waits.
    package static func untilCancelled(
        _ name: String, ready: @escaping @Sendable () async throws -> Void = {},
        run: @escaping @Sendable () async throws -> Void
    ) -> ClosureService {
        ClosureService(name) { life in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await run()
                    return true
                }
                group.addTask {
                    try await ready()
                    life.ready()
                    await life.stopRequested()
                    return false
                }
                // Whoever ends first ends the other: the work by itself, or the wait because a stop was asked for.
                let endedByItself = try await group.next() ?? true
                group.cancelAll()
                do {
                    while try await group.next() != nil {}
                } catch is CancellationError where !endedByItself {
                    // That is how such a part stops.
                }
            }
        }
    }
}

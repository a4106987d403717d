import Clocks
import HTTPServer

/// A port and who answers on it, as a service of the group: it listens from its place in the start order on, and
/// drains when asked to stop.
package struct HTTPListener: Service {
    package let name: String
    private let server: HTTPServer
    private let patience: Duration
    private let time: any TimeSource

    /// A listener whose drain cancels the requests that are still running after `patience`.
    package init(_ name: String, server: HTTPServer, patience: Duration, time: any TimeSource) {
        self.name = name
        self.server = server
        self.patience = patience
        self.time = time
    }

    package func run(_ life: ServiceLife) async throws {
        try server.listen()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                life.ready()
                await life.stopRequested()
                await server.drain(deadline: time.now.advanced(by: patience))
            }
            // The server ends by its drain, or by a failure; either way the other half has nothing left to do.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// One thing a service needs to be ready for work.
package struct HealthCheck: Sendable {
    package var name: String
    package var timeout: Duration
    /// Returns when all is well; the text of what it throws becomes the check's detail.
    package var run: @Sendable () async throws -> Void

    package init(
        _ name: String, timeout: Duration = .seconds(2), run: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.timeout = timeout
        self.run = run
    }
}

/// Why a check is down when it says so itself.
package struct HealthCheckFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

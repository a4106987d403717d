/// What a health route answers: the state as a whole and each check's own.
package struct HealthReport: Sendable {
    package enum Status: String, Sendable {
        case up
        case down
    }

    package struct Check: Sendable {
        package var name: String
        package var status: Status
        package var duration: Duration
        package var detail: String?

        package init(name: String, status: Status, duration: Duration = .zero, detail: String? = nil) {
            self.name = name
            self.status = status
            self.duration = duration
            self.detail = detail
        }
    }

    package var checks: [Check]
    package var duration: Duration

    package init(checks: [Check], duration: Duration = .zero) {
        self.checks = checks
        self.duration = duration
    }

    /// Up when every check is.
    package var status: Status { checks.allSatisfy { $0.status == .up } ? .up : .down }
}

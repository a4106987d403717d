import Clocks

/// The deadline of the request or message being handled, for calls that are not given one.
package enum RequestDeadline {
    @TaskLocal package static var current: MonotonicInstant?

    /// The earlier of `deadline` and the task's own.
    package static func earliest(_ deadline: MonotonicInstant) -> MonotonicInstant {
        current.map { min($0, deadline) } ?? deadline
    }
}

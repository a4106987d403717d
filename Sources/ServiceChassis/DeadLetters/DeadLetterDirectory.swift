import Messaging
import Synchronization

/// Where the admin port, which is there first, finds the service's dead letters once it has a database.
package final class DeadLetterDirectory: Sendable {
    private let desk = Mutex<DeadLetterDesk?>(nil)

    package init() {}

    /// From now on this is who operators talk to.
    package func open(_ desk: DeadLetterDesk) {
        self.desk.withLock { $0 = desk }
    }

    /// Nil in a service that hears no messages.
    package var current: DeadLetterDesk? { desk.withLock { $0 } }
}

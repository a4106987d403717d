import Synchronization

/// The routes that a service adds to its admin port while it is put together; the port takes them when it is made.
package final class AdminExtensions: Sendable {
    private let routers = Mutex<[Router]>([])

    package init() {}

    package func add(_ router: Router) {
        routers.withLock { $0.append(router) }
    }

    var all: [Router] { routers.withLock { $0 } }
}

import Glibc

/// Wakes one waiting thread; a signal sent before the wait is kept.
///
/// `@unchecked Sendable`: the only state is a POSIX semaphore at a fixed address, whose operations are thread-safe; it
/// is made in `init`, destroyed in `deinit`, and no reference can be used after that.
package final class ThreadSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func send() {
        sem_post(semaphore)
    }

    package func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}

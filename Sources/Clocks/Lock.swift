#if HOLDFAST_TSAN
    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// The lock of what the thread sanitizer watches, as it has to see it: it does not know the standard library's
    /// `Mutex`, which is not instrumented, and would report races that are none.
    package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        // Sendable: the value is reached under the mutex alone, and both live as long as the lock.
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

        package init(_ initial: consuming sending Value) {
            pthread_mutex_init(mutex, nil)
            value.initialize(to: initial)
        }

        deinit {
            value.deinitialize(count: 1)
            value.deallocate()
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        package borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body(&value.pointee)
        }
    }
#else
    import Synchronization

    /// The lock of the policies, and of what their tests stand on. One name, so that the thread sanitizer can be given a
    /// lock that it knows.
    package typealias Lock = Mutex
#endif

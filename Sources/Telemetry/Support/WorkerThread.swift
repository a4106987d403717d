import CLinux
import Glibc

/// Starts threads for calls that block and must stay off the cooperative pool.
package enum WorkerThread {
    /// Runs `body` on a new detached thread of that name (at most 15 bytes are kept).
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(ThreadBody(name: name, run: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let result = pthread_create(&thread, &attributes, runThreadBody, box.toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(result == 0, "the system refuses a new thread: error \(result)")
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

// At file scope, so that it belongs to no actor: it runs on a thread that is no actor's executor.
private let runThreadBody: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    guard let argument else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    _ = linux_set_thread_name(body.name)
    body.run()
    return nil
}

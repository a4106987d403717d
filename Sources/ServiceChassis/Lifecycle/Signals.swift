import Glibc

/// The process's signals: SIGTERM and SIGINT ask it to stop, a second one ends it now, SIGPIPE does nothing.
package enum Signals {
    /// Blocks the signals for this thread and all it will start, so that none is lost before ``deliver(to:)`` takes them.
    ///
    /// Call it first in a synchronous `main`: a thread that exists already keeps its own mask and would let the default
    /// action kill the process.
    package static func block() {
        signal(SIGPIPE, SIG_IGN)
        var set = stopSignals
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits on the calling thread for signals for ever: the first calls `stop`, the second ends the process with 128 plus
    /// the signal's number, as a shell reports it.
    package static func deliver(to stop: @Sendable (_ signal: Int32) -> Void) -> Never {
        var set = stopSignals
        var received: Int32 = 0
        var isStopping = false
        while true {
            guard sigwait(&set, &received) == 0 else { continue }
            if isStopping { _exit(128 + received) }
            isStopping = true
            stop(received)
        }
    }

    private static var stopSignals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        return set
    }
}

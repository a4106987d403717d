import Glibc

/// Ctrl-C, SIGTERM and a closed terminal, all taken as the wish to stop.
package enum Interruptions {
    /// Holds the signals back from now on, so that none is lost and none ends the process in the wrong place.
    ///
    /// To be called from a synchronous `main` before any other thread exists: threads inherit the mask.
    package static func block() {
        var signals = watched
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits on the calling thread and calls `handler` with 1 for the first signal, 2 for the second, and so on.
    package static func deliver(to handler: @Sendable (Int) -> Void) -> Never {
        var count = 0
        while true {
            var signals = watched
            var number: Int32 = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            count += 1
            handler(count)
        }
    }

    private static var watched: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        return signals
    }
}
